"""Many images through one model: read, recognized by content, classified, stored; each step overlaps the others."""
