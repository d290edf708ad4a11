"""Events → what routing shows. Sees the event and nothing else."""
