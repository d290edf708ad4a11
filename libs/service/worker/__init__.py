"""The worker of a service: its loops, its health, and what it makes of new events."""
