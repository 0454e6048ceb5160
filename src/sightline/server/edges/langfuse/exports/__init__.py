"""Scheduled exports to object storage (blob storage)."""
