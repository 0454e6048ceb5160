"""Evaluators and the rules that apply them."""
