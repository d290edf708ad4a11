"""What an operator does to a town: run it, migrate it, back it up, rebuild and compare it. No rules of the trade."""
