"""Files that traces refer to."""
