"""The auditor's tools: they read the log alone, trust nobody, and need no service to be up."""
