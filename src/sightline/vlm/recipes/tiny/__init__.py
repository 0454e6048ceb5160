"""`sightline-tiny`: a whole BLIP-2 in an hour on two cores, from nothing but handwriting.

python -m sightline.vlm.recipes.tiny --out build/tiny
"""

from sightline.vlm.recipes.tiny.shapes import Tiny, tiny, tiny_model, tiny_once

__all__ = ["Tiny", "tiny", "tiny_model", "tiny_once"]
