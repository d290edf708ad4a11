"""Event table → Kafka."""
