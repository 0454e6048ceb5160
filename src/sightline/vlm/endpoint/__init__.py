"""A chat-completions style HTTP door to loaded models."""

from sightline.vlm.endpoint.app import create_app
from sightline.vlm.endpoint.serve import bind, serve

__all__ = ["bind", "create_app", "serve"]
