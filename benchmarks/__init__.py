"""The project's bars, measured: see README.md beside this file."""
