"""Backup, restore, and a database that catches up with its log: four databases, the vault, the log and the keys."""
