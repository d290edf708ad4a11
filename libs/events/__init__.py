"""The log: everything about events, nothing about any one service."""
