"""受理: how a matter comes in, and what the operator makes of it."""
