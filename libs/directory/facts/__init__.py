"""The directory's facts: every event of lane 64 by key and version, and as a view. Pure: no I/O, no clock."""
