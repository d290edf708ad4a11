"""Events → what supervision shows. Sees the event and nothing else."""
