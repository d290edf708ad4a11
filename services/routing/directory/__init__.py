"""The host of the directory: its HTTP, and what is appended to lane 64."""
