"""Everything the model half gets over HTTP: large files into a cache, small bodies into memory.

The hub's client has its own way (`weights.hub`); whether anything may go out at all is decided here for both.
"""

from sightline.vlm.fetch.body import TooLargeError, body
from sightline.vlm.fetch.errors import FetchError
from sightline.vlm.fetch.files import file
from sightline.vlm.fetch.places import OFFLINE, Remote, cache, is_url, offline

__all__ = ["OFFLINE", "FetchError", "Remote", "TooLargeError", "body", "cache", "file", "is_url", "offline"]
