"""Large bodies: spooled to a temporary file while they arrive, then streamed a batch at a time."""
