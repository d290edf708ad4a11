"""The event schemas, one module per owner; contracts share nothing but ids."""
