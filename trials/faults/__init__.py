"""A running instance that is harmed on purpose while people work, and how the outcome is judged."""
