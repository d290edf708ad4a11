"""Shapes that stand inside events: what an event says of a clock, the document of the rulebook. No event."""
