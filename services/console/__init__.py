"""One page for the eyes: pages made on the server, a client of the public APIs with the caller's own token."""
