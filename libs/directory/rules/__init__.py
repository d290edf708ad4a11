"""What the directory's facts mean: calendar, limits, leads, contact points, names. Pure: no I/O, no clock."""
