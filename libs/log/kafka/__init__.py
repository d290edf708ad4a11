"""Where Kafka is, and the topics of the log."""
