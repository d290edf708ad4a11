"""Where events are kept and how they travel: the event store, Kafka, and the readers of both. The only I/O on them."""
