"""Where images come from: files, a watched folder, a camera."""
