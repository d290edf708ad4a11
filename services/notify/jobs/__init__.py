"""The loops of notify's worker: what is to be sent, sending it, and what it measures."""
