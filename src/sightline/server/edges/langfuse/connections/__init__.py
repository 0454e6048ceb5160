"""Keys to model providers."""
