"""Annotation queues and their items."""
