"""What an event is: its shape, wire form, lane and owner. Pure: no I/O; where events are kept is libs/log."""
