"""Events → the ledger of messages. Sees the event and nothing else."""
