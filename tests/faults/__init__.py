"""Processes killed, stopped and cut off; a checker that compares what clients were told with the log."""
