"""The write side: a command from its prefetch to its stored answer, for one case or for many new ones."""
