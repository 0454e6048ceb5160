"""Migrating a project from another Langfuse: pulls from its public API, pushes to this server's."""
