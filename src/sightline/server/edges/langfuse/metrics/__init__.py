"""Metrics v1, v2 and daily."""
