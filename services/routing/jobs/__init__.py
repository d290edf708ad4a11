"""What routing's worker does besides the common loops."""
