"""The directory in a service's own database, and in its memory."""
