"""Events → what intake shows, and the keyed search copies. Sees the event and nothing else."""
