"""Prompts in versions."""
