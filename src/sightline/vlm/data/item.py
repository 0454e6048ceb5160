"""One thing to work on, and what tells it from every other.

Two rows are the same item when they say the same of the same image, wherever they stand.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from sightline.vlm.data.images import ImageSource
from sightline.vlm.data.packed import Packed

SYNONYMS = {
    "text": ("text", "caption", "sentence", "comment", "raw"),
    "question": ("question", "text_input", "query"),
}
"""What published tables call the column that a task reads."""


@dataclass(frozen=True, eq=False)
class Item:
    """One thing to work on."""

    key: str
    """The idempotency key: the same in every run and of no other item, what a resumed run skips by. It is made from the
    content,
    `identity` of its image and a digest of its other columns, so that a table may be edited between runs."""
    name: str
    """What to call it: the path or URL, or the table's row."""
    place: str
    """Where it was found: the path or URL, or the table's row, `rows.jsonl#3`."""
    image: ImageSource | None
    """Unread; none in tables without images."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """The other columns of its row."""
    called: Mapping[str, Any] = field(default_factory=dict)
    """The column of its image as the table has it, where that is a name and the column is not called `image`."""

    def field(self, name: str) -> Any:
        """A column by its name, or by another that published tables have for it, in capitals or not; none without."""
        plain = {each.strip().lower(): value for each, value in self.fields.items()}
        return next((plain[each] for each in SYNONYMS.get(name, (name,)) if plain.get(each) not in (None, "")), None)


def identity(image: ImageSource | None) -> str:
    """The dedup key of an image: its URL, its absolute path with links to its folder followed, else a digest."""
    if image is None:
        return ""
    if isinstance(image, str) and is_file(image):
        folder, name = os.path.split(os.path.expanduser(image))  # noqa: PTH111 - a Path each costs more than the rest
        return os.path.join(_followed(os.path.join(os.getcwd(), folder)), name)  # noqa: PTH109, PTH118 - as above
    if isinstance(image, str) and image[:5].lower() != "data:":
        return image
    if isinstance(image, Packed):
        return f"{identity(str(image.archive))}/{image.name}"
    body = image if isinstance(image, bytes) else str(image).encode(errors="surrogatepass")
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def is_file(image: ImageSource | None) -> bool:
    """Whether this is a path rather than a URL, a data URI or the image itself."""
    return isinstance(image, str) and not is_address(image)


def is_address(source: str) -> bool:
    """Whether this is a URL or data URI rather than a path."""
    return source[:8].lower().startswith(("http://", "https://", "data:"))


@lru_cache(1024)
def _followed(folder: str) -> str:
    return os.path.realpath(folder)


def beside_of(name: str, folder: Path) -> str:
    """A relative path from a folder; an address as it stands."""
    return name if is_address(name) else str(folder / Path(name).expanduser())


def short(name: str) -> str:
    """A name as messages have it: data URIs are cut."""
    return name if not name.startswith("data:") or len(name) < 60 else f"{name[:57]}…"
