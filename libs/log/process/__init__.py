"""What the log needs of the process around it: intervals, counters, spans, points of failure."""
