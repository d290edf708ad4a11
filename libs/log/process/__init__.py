"""What the log needs of the process around it: intervals, wake-ups, counters, spans, points of failure."""
