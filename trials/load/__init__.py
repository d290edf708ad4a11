"""A town at work at a given rate: people, arrivals, what was seen meanwhile, and whether anything was lost."""
