"""HTTP of routing."""
