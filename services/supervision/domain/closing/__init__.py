"""How a case comes to its end: review, verification, call-back, closing. Pure: no I/O, no clock."""
