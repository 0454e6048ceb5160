"""Datasets, their items and runs."""
