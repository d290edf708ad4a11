"""Days of the desks in one running town; a package, so that the town ends with it."""
