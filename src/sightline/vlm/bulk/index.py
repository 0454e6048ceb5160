"""An embedding index over images: one folder, filled in batches, searched by text or by image without the images.

    index.json      which model made it, and its shapes
    items.jsonl     key and name of every image, a line each, deduplicated: an image is there once, its path absolute
    vectors.f16     unit vectors [N, Q, K] in half precision, in the order of the lines

Vectors are written and fsynced before the lines that name them, so an indexing that was cut off, killed even, resumes
where it stopped, and a later one adds what is new. Search is exact nearest-neighbour search (brute force): every vector
is compared.

Shapes: N images, Q queries, K contrast width.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import compress
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sightline.vlm.bulk.digest import fingerprint
from sightline.vlm.bulk.results import json_line
from sightline.vlm.bulk.runs import BATCH, Progress, pictured
from sightline.vlm.config import SightlineVlmError
from sightline.vlm.data.images import ImageSource
from sightline.vlm.data.sources import Item, Items, identity, is_file
from sightline.vlm.loaded import InputError, Loaded
from sightline.vlm.loaded.inputs import Picture

FACTS, ITEMS, VECTORS = "index.json", "items.jsonl", "vectors.f16"
"""Files of an index folder: the model and the shapes, a line an image, and the embedding matrix."""
FORMAT = 2
"""In the first, keys were paths as they were typed and rows of tables by number."""
VALUES_AT_ONCE = 2**24
"""Numbers compared at a time: bounds the memory of a search in a large index."""
VALUES_KEPT = 2**26
"""An index of no more numbers stays in memory as float32 after the first search: 256 MiB, 40,000 images of tiny's."""


class IndexProblem(SightlineVlmError):  # noqa: N818 - IndexError is Python's, and means something else
    """An index that is not there, is damaged, or was made by another model."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What an index says about itself."""

    model: str
    fingerprint: str
    """Of the weights that make the vectors."""
    queries: int
    width: int
    format: int = FORMAT

    @property
    def row_bytes(self) -> int:
        """Bytes of one image's vectors."""
        return 2 * self.queries * self.width


@dataclass(frozen=True)
class Indexed:
    """What became of the images of one indexing."""

    total: int
    resumed: int
    """In the index before, or given a second time."""
    failures: dict[str, str]
    """Name and reason of every image that could not be read."""


@dataclass(frozen=True)
class Hit:
    """One found image."""

    name: str
    score: float
    """Cosine: of the text with the image's best query, or of two images, the mean over queries."""
    itm: float | None = None
    """Probability of a match, when the best hits were read together with the text."""


@dataclass(eq=False)
class Index:
    """An index in a folder together with the model that made it."""

    folder: Path
    model: Loaded
    facts: Facts
    names: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    kept: Tensor | None = field(default=None, repr=False)
    """The vectors of a small index, once it was searched; forgotten when it grows."""

    def __len__(self) -> int:
        return len(self.names)

    def add(self, items: Items, batch: int = BATCH, progress: Progress | None = None) -> Indexed:
        """Embeds the images that are not in the index yet and appends them, a batch at a time."""
        new, failures = self._new(items), dict[str, str]()
        tried = resumed = len(new) - sum(new)
        say, total = progress or (lambda *_: None), len(items)
        say("images", tried, total)
        with ExitStack() as files:
            vectors = files.enter_context((self.folder / VECTORS).open("r+b"))
            lines = files.enter_context((self.folder / ITEMS).open("r+b"))
            vectors.seek(len(self) * self.facts.row_bytes)
            vectors.truncate()
            lines.seek(sum(len(line) for line in _whole_lines(self.folder / ITEMS)[: len(self)]))
            lines.truncate()
            for some in pictured(compress(items, new), batch, self.model.preprocess):
                good = [(item, picture) for item, picture in some if isinstance(picture, Image.Image | Picture)]
                failures |= {item.name: str(why) for item, why in some if isinstance(why, SightlineVlmError)}
                if good:
                    _append(vectors, self._embedded([picture for _, picture in good]))
                    named = [_named(item) for item, _ in good]
                    _append(lines, b"".join(json_line({"key": key, "name": name}) for key, name in named))
                    self.names += [name for _, name in named]
                    self.keys |= {key for key, _ in named}
                tried += len(some)
                say("images", tried, total)
        return Indexed(total, resumed, failures)

    def search(self, text: str, top: int = 10, rerank: int = 0) -> list[Hit]:
        """Text-to-image retrieval: images that go best with a text, best first.

        Args:
            text: What to find.
            top: How many.
            rerank: So many of the best by cosine are read from where they were and ordered by the probability of a
                match, as BLIP-2 does for retrieval; slower, and the images must still be there.
        """
        words_K = _there(self.model.embed(texts=text, mode="text").projected)[0]
        hits = self._best(lambda vectors_NQK: (vectors_NQK @ words_K).amax(1), max(top, rerank))
        if rerank:
            hits = self._matched(text, hits[:rerank]) + hits[rerank:]
        return hits[:top]

    def similar(self, image: ImageSource, top: int = 10) -> list[Hit]:
        """Image-to-image retrieval: by the mean cosine similarity of their queries, each with its own kind."""
        flat_D = _there(self.model.embed(image).projected)[0].flatten() / self.facts.queries
        return self._best(lambda vectors_NQK: vectors_NQK.flatten(1) @ flat_D, top)

    def _new(self, items: Items) -> list[bool]:
        """Of every item, whether its image is neither in the index nor among the items before it."""
        known, new = set(self.keys), list[bool]()
        for item in items:
            key = identity(item.image)
            new.append(key not in known or item.image is None)
            known.add(key)
        return new

    def _embedded(self, pictures: list[Image.Image | Picture]) -> bytes:
        return _there(self.model.embed(pictures).projected).half().numpy().tobytes()

    def _best(self, score: Callable[[Tensor], Tensor], top: int) -> list[Hit]:
        """The `top` best by a score `[N]` of vectors `[N, Q, K]`, computed block by block."""
        if not self.names:
            return []
        best = torch.cat([score(block_NQK) for block_NQK in self._blocks()]).topk(min(top, len(self)))
        return [
            Hit(self.names[at], round(value, 5))
            for at, value in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ]

    def _blocks(self) -> Iterator[Tensor]:
        """The vectors `[N, Q, K]` in order, a block at a time; a small index is one block, read once."""
        shape = (len(self), self.facts.queries, self.facts.width)
        if self.kept is not None and self.kept.shape == shape:
            yield self.kept
            return
        stored = np.memmap(self.folder / VECTORS, np.float16, "r", shape=shape)
        if stored.size <= VALUES_KEPT:
            self.kept = torch.from_numpy(np.array(stored)).float()
            yield self.kept
            return
        step = max(1, VALUES_AT_ONCE // (shape[1] * shape[2]))
        for at in range(0, len(self), step):
            yield torch.from_numpy(np.array(stored[at : at + step])).float()

    def _matched(self, text: str, hits: list[Hit]) -> list[Hit]:
        """The hits by the probability that image and text match, most probable first."""
        if not hits:
            return []
        itm_N = self.model.match([hit.name for hit in hits], text).itm[:, 0].tolist()
        read = [Hit(hit.name, hit.score, round(itm, 5)) for hit, itm in zip(hits, itm_N, strict=True)]
        return sorted(read, key=lambda hit: -(hit.itm or 0.0))


def create_index(model: Loaded, folder: str | Path) -> Index:
    """The index in a folder, made if there is none.

    Raises:
        IndexProblem: The folder cannot be written or holds files of such names, or another model made its index.
        InputError: The model has no shared space of images and texts.
    """
    folder = Path(folder).expanduser()
    if (folder / FACTS).exists():
        return open_index(folder, model)
    for name in (VECTORS, ITEMS):
        if _size(folder / name):
            raise IndexProblem(f"{folder} holds {name} already, but no index: give the name of another folder")
    width = _there(model.embed(texts="a", mode="text").projected).shape[1]
    facts = Facts(
        model=model.name, fingerprint=fingerprint(model), queries=model.model.bridge.queries, width=int(width)
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (VECTORS, ITEMS):
            (folder / name).write_bytes(b"")
        fresh = folder / f"{FACTS}.writing"
        fresh.write_text(json.dumps(asdict(facts), indent=1) + "\n")
        fresh.replace(folder / FACTS)
    except OSError as problem:
        raise IndexProblem(f"cannot write an index in {folder}: {problem.strerror or problem}") from problem
    return Index(folder, model, facts)


def open_index(folder: str | Path, model: Loaded) -> Index:
    """The index in a folder, as far as it is whole.

    Raises:
        IndexProblem: There is none, it is damaged, or its vectors are not this model's.
    """
    folder = Path(folder).expanduser()
    facts = read_facts(folder)
    if fingerprint(model) != facts.fingerprint:
        raise IndexProblem(
            f"{folder} was made by {facts.model!r}, whose weights are not those of {model.name!r} now: "
            "load the model that made it, or index again into another folder"
        )
    try:
        whole = (folder / VECTORS).stat().st_size // facts.row_bytes
        items = [json.loads(line) for line in _whole_lines(folder / ITEMS)[:whole]]
    except (OSError, ValueError) as problem:
        raise IndexProblem(f"the index in {folder} is damaged: {problem}") from problem
    names, keys = [item["name"] for item in items], {item["key"] for item in items}
    if facts.format == 1:
        keys |= {identity(name) for name in names}
    return Index(folder, model, facts, names, keys)


def read_facts(folder: Path) -> Facts:
    """What an index says about itself. Raises `IndexProblem` when there is none, or one of another format."""
    path = folder / FACTS
    try:
        facts = Facts(**json.loads(path.read_text()))
    except FileNotFoundError as problem:
        raise IndexProblem(
            f"{folder} holds no index: make one with `sightline index IMAGES --out {folder}`"
        ) from problem
    except (OSError, ValueError, TypeError) as problem:
        raise IndexProblem(f"{path} cannot be read: {problem}") from problem
    if facts.format not in range(1, FORMAT + 1):
        raise IndexProblem(f"{folder} has format {facts.format}, this Sightline reads 1 to {FORMAT}: index again")
    return facts


def _there(projected: Tensor | None) -> Tensor:
    if projected is None:
        raise InputError("this checkpoint has no shared space of images and texts: load a retrieval checkpoint")
    return projected.float().cpu()


def _append(file: BinaryIO, body: bytes) -> None:
    file.write(body)
    file.flush()
    os.fsync(file.fileno())


def _named(item: Item) -> tuple[str, str]:
    """An image's key, and its name: that of a file is the same from every folder."""
    key = identity(item.image)
    return key, key if is_file(item.image) else item.name


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _whole_lines(path: Path) -> list[bytes]:
    """Lines that end; a crash may have cut the last."""
    return [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
