"""Exports of projects to stores of objects, again and again, as files that other tools read."""
