"""The acceptance scenarios, through HTTP in virtual time."""
