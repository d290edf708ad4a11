"""PostgreSQL, Kafka and the eight processes on one machine. No Docker, no rules of the trade."""
