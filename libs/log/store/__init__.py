"""The event table of a service: its schema, and what is loaded from it and appended to it."""
