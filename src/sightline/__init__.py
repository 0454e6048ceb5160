"""Sightline: build, run and improve vision-language models.

Two halves that meet only through open standards: `sightline.vlm` (needs the extra `vlm`) and
`sightline.server` (the base install). Importing this package costs nothing.
"""

__version__ = "0.1.0"
