"""Reading and deleting traces."""
