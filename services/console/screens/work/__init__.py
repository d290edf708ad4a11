"""The desks of dispatcher and departments: what is to be done, and many orders at once."""
