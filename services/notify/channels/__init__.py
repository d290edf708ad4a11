"""The channels that carry messages to people."""
