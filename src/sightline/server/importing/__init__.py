"""Pulling a project out of another Langfuse, over HTTP on both sides: its public API in, this server's out."""
