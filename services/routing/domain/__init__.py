"""Routing's rules. Pure: no I/O, no clock."""
