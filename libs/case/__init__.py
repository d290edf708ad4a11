"""What events add up to: the state of a case, who may see it, how it is said. Pure: no I/O, no clock."""
