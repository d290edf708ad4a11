"""Haikou 12345: a rulebook learned from earlier orders, tried on later ones."""
