"""The same network on the same images by other engines: see README.md beside this file."""
