"""Supervision orders 督办 and urging 催办. Pure: no I/O, no clock."""
