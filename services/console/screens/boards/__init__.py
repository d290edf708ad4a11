"""The supervisor's boards and the ledger of messages."""
