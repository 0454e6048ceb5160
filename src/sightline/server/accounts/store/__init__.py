"""All SQL of accounts. Every function takes the connection of the caller's unit of work."""
