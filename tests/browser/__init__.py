"""The console in a real headless Chromium; a package, so that its running system ends with it."""
