"""Every clock of a case, from the fact that starts it to the step that is due. Pure: no I/O, no clock."""
