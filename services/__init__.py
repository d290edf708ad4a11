"""The four services; each owns its database and its event types, none imports another."""
