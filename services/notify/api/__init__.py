"""HTTP of notify."""
