"""Experiments as spans tell them."""
