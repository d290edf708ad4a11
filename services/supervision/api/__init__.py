"""HTTP of supervision."""
