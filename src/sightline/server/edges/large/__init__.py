"""Bodies too large to hold: kept in a file while they arrive, then read a batch at a time."""
