"""Pages of the console, a folder per desk."""
