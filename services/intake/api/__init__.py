"""HTTP of intake."""
