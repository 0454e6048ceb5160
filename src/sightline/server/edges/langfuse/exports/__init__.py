"""Scheduled exports to a blob storage."""
