"""What intake's worker does besides the common loops."""
