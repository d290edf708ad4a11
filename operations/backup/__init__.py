"""Backup, restore and the drill that proves them: four databases, the vault, the log and the keys."""
