"""The directory's facts: every event of lane 64 by key and version, as a view, and in a service's own database."""
