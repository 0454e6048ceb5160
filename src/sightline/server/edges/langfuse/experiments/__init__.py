"""Experiments, whichever way they were told."""
