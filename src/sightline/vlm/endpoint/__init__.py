"""A chat-completions style HTTP door to loaded models."""

from sightline.vlm.endpoint.app import create_app
from sightline.vlm.endpoint.serve import serve

__all__ = ["create_app", "serve"]
