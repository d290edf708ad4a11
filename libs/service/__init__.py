"""What every process has: settings, log, the one clock, problem documents, callers, health, the worker's loops."""
