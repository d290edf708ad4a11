"""What leans on private parts of libraries, each with its reason and figure. Imports nothing of ours."""
