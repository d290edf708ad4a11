"""Files of cases into the intake API: the mapping, the rows, what is sent of each. Knows no city."""
