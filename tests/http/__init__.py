"""The edge of the APIs."""
