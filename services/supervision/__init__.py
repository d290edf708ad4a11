"""Supervision 督办: every clock, review, verification, call-back, closing, and the ladder."""
