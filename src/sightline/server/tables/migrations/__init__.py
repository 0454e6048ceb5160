"""Alembic's folder: one script a change, one head."""
