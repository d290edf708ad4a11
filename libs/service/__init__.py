"""What every process has: settings, log, the one clock, problem documents, who is calling, health, the worker's loops."""
