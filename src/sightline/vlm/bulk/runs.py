"""A task over many items: images are prefetched by threads, rows are kept as they come, errors stay with their item.

An image that cannot be read, or that the model refuses, gets a row with an `error`; the others go on. When the first
batch fails as a whole for one reason that is not an image's, the call is wrong rather than the images, and it raises.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from PIL import Image

from sightline.vlm.bulk.digest import digest
from sightline.vlm.bulk.published import check_ids
from sightline.vlm.bulk.results import Results
from sightline.vlm.bulk.rows import Row, kept
from sightline.vlm.bulk.tasks import Task
from sightline.vlm.config import SightlineVlmError
from sightline.vlm.data.images import ImageError, ImageSource, pixels_of, read
from sightline.vlm.data.preprocess import Preprocess
from sightline.vlm.data.sources import Item, Items
from sightline.vlm.loaded.inputs import Picture

Progress = Callable[[str, int, int], None]
"""Hears what is being done, how many items are done, and of how many."""

BATCH = 8
"""Default batch size: items in one call of the model."""
READERS = 4
"""Threads that read images: for addresses behind a network more than for files."""
HELD_PIXELS = 2_000_000
"""Pictures of more are held as pixels for the model and a thumbnail: a batch may be of photos of 40 megapixels."""
LARGE_PIXELS = 8_000_000
"""Pictures of more are decoded by one thread: what malloc freed it keeps for the thread that asked for it."""
BATCHES_AHEAD = 2
"""Batches prefetched while the model is busy: bounds the pictures in memory (backpressure on the readers)."""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a batch is run."""

    out: Path | None = None
    """The table to write, `.jsonl`, `.parquet`, `.csv` or `.npz`; none: rows are given back."""
    batch: int = BATCH
    """Items in one call of the model."""
    overwrite: bool = False
    form: str | None = None
    """One of the published formats (`published.FORMS`) for the table; none: rows, by its suffix."""
    progress: Progress | None = None
    hears: Callable[[Sequence[Row]], None] | None = None
    """Hears the rows of every item as soon as they are there."""


@dataclass(frozen=True)
class Outcome:
    """What became of the items of a run."""

    total: int
    resumed: int
    """Done by an earlier run of the same job."""
    failed: int
    written: int = 0
    """Rows of items that did not fail: an item may have several."""
    rows: list[Row] = field(default_factory=list)
    """Without a table on disk: every row."""

    @property
    def succeeded(self) -> int:
        return self.total - self.failed


def run(task: Task, items: Items, manner: Manner | None = None) -> Outcome:
    """Does the task with every item that is not done yet.

    Raises:
        ResultsError: The table cannot be written, is finished, or belongs to another job.
        SightlineVlmError: The whole first batch was refused for one reason: the call is wrong.
    """
    manner = manner or Manner()
    results = None
    if manner.out is not None:
        if manner.form is not None:
            check_ids(manner.form, ({"image": item.name, **item.fields} for item in items))
        settings = {**task.settings(), **digest(task.model)}
        results = Results(manner.out, settings, task.columns, overwrite=manner.overwrite, form=manner.form)
    try:
        return _run(task, items, manner, results)
    finally:
        if results is not None:
            results.close()


def _run(task: Task, items: Items, manner: Manner, results: Results | None) -> Outcome:
    finished = frozenset(results.done) if results else frozenset[str]()
    total, rows, failed = len(items), list[Row](), 0
    tried = resumed = results.resumed(items.keys) if results else 0
    say = manner.progress or (lambda *_: None)
    say(task.name, tried, total)
    preprocess = task.model.preprocess if task.needs_images else None
    for batch in pictured(items.left(finished), manner.batch, preprocess):
        for item, own, bad in _tried(task, batch, certain=tried > failed):
            failed += bad
            told = [kept(row, {**item.called, **item.fields}, task.columns) for row in own]
            if results:
                results.add(item.key, told, bad)
            else:
                rows += told
            if manner.hears:
                manner.hears(told)
        if results:
            results.flush()
        tried += len(batch)
        say(task.name, tried, total)
    written = results.finish(items.keys) if results else sum("error" not in row for row in rows)
    return Outcome(total, resumed, failed, written, rows)


Pictured = tuple[Item, Image.Image | Picture | ImageError | None]
"""An item with its picture, or with why there is none."""


def pictured(items: Iterable[Item], size: int, preprocess: Preprocess | None) -> Iterator[list[Pictured]]:
    """Batches of items with their pictures, prefetched `BATCHES_AHEAD` of whoever takes them, and no further.

    Without a `preprocess` no pictures are needed; large ones are held as it prepares them.
    """
    if preprocess is None:
        rest = iter(items)
        while some := list(islice(rest, size)):
            yield [(item, None) for item in some]
        return
    rest, ahead = iter(items), deque[tuple[list[Item], list[Future[Image.Image | Picture | ImageError]]]]()
    with ThreadPoolExecutor(READERS, "images") as readers, ThreadPoolExecutor(1, "large images") as large:
        try:
            while True:
                while len(ahead) <= BATCHES_AHEAD and (some := list(islice(rest, size))):
                    ahead.append((some, [readers.submit(_read, item, preprocess, large) for item in some]))
                if not ahead:
                    return
                some, reading = ahead.popleft()
                yield [(item, each.result()) for item, each in zip(some, reading, strict=True)]
        finally:
            readers.shutdown(wait=False, cancel_futures=True)
            large.shutdown(wait=False, cancel_futures=True)


def _read(item: Item, preprocess: Preprocess, large: Executor) -> Image.Image | Picture | ImageError:
    """An item's picture; a large one is read by the one thread for these, whose memory then serves the next."""
    if item.image is None:
        return ImageError(f"{item.place} has no image")
    if pixels_of(item.image) > LARGE_PIXELS:
        return large.submit(_held, item.image, preprocess).result()
    return _held(item.image, preprocess)


def _held(image: ImageSource, preprocess: Preprocess) -> Image.Image | Picture | ImageError:
    try:
        picture = read(image)
        small = picture.width * picture.height <= HELD_PIXELS
        return picture if small else Picture.small(picture, preprocess)
    except ImageError as error:
        return error


Tried = tuple[Item, list[Row], bool]
"""An item, its rows, and whether it failed."""


def _tried(task: Task, batch: list[Pictured], certain: bool) -> list[Tried]:
    """The rows of every item of a batch, in order; `certain`: the call has worked for some item already."""
    bad = {item.key: picture for item, picture in batch if isinstance(picture, ImageError)}
    good = [(item, picture) for item, picture in batch if item.key not in bad]
    told = dict(zip((item.key for item, _ in good), _rows(task, good, certain), strict=True))
    return [
        (item, [_failure(item, bad[item.key])], True) if item.key in bad else (item, *told[item.key])
        for item, _ in batch
    ]


def _rows(task: Task, good: Sequence[Pictured], certain: bool) -> list[tuple[list[Row], bool]]:
    """Rows and whether it failed, of every item; a refused batch is tried again one by one."""
    items = [item for item, _ in good]
    pictures = [picture for _, picture in good if isinstance(picture, Image.Image | Picture)]
    if not items:
        return []
    try:
        return [(rows, False) for rows in task.rows(items, pictures)]
    except SightlineVlmError as error:
        if len(items) == 1:
            if not certain:
                raise
            return [([_failure(items[0], error)], True)]
    each = [_alone(task, item, pictures[at : at + 1]) for at, item in enumerate(items)]
    first = each[0]
    if not certain and all(isinstance(one, SightlineVlmError) and str(one) == str(first) for one in each):
        raise first if isinstance(first, SightlineVlmError) else RuntimeError(first)
    return [
        ([_failure(item, one)], True) if isinstance(one, SightlineVlmError) else (one, False)
        for item, one in zip(items, each, strict=True)
    ]


def _alone(task: Task, item: Item, picture: Sequence[Image.Image | Picture]) -> list[Row] | SightlineVlmError:
    try:
        return task.rows([item], picture)[0]
    except SightlineVlmError as error:
        return error


def _failure(item: Item, error: SightlineVlmError) -> Row:
    return {"image": item.name, "error": str(error)}
