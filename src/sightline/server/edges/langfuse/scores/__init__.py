"""Scores and their configs."""
