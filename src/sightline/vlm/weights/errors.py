"""What can be wrong with a checkpoint."""

from sightline.vlm.config import SightlineVlmError


class CheckpointError(SightlineVlmError):
    """A checkpoint that cannot be read, or does not fit the model its config describes."""


class UnknownModelError(CheckpointError):
    """A name that is neither a known model, nor a hub id that can be reached, nor a folder."""
