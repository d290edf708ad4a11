"""Who looks at the page: signing in and out, and the visitor."""
