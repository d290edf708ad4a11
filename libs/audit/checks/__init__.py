"""What an auditor checks the log for, record by record. Pure: no I/O, no clock."""
