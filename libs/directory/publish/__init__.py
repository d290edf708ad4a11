"""How the directory changes: documents, their checks, and the facts that a publication appends."""
