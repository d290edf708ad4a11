"""The loops of supervision's worker, and what it measures."""
