"""All SQL of prompts."""

from sightline.server.prompts.store.prompts import PromptStore

__all__ = ["PromptStore"]
