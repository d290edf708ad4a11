"""What is tried on a town: its people at work, load, faults, other cities' cases. Used by tests, bench and demo."""
