"""People, units, appointments, grids, catalogue, rulebook, calendar: facts of lane 64 that every service embeds."""
