"""告知 notify: who must be told of what, the sending, and the ledger of every message."""
