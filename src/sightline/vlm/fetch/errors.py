"""What can go wrong on the way."""

from sightline.vlm.config import SightlineVlmError


class FetchError(SightlineVlmError):
    """Something that could not be fetched; the message names the URL, the reason and what to do."""


def first_line(problem: Exception) -> str:
    """An exception in one line; its kind when it says nothing."""
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0]
