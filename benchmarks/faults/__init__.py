"""Faults of the disk, the system, the clock and the engine, injected into a running server."""
