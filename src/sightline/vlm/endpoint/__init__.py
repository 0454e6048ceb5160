"""An OpenAI-compatible (chat completions) inference server over loaded models."""

from sightline.vlm.endpoint.app import create_app
from sightline.vlm.endpoint.serve import bind, serve

__all__ = ["bind", "create_app", "serve"]
