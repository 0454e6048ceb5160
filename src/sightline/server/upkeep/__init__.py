"""Maintenance of stored data: health checks, retention, and deletion of a project's data."""
