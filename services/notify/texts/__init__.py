"""Templates, and the texts made from them."""
