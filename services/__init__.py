"""The four services, each with its own database and event types, and the console, a client. None imports another."""
