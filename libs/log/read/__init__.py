"""Kafka → read model and reactions: partitions, their progress, and the rows that are written with it."""
