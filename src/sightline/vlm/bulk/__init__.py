"""Batch inference over many images: tasks, resumable idempotent runs, result tables, and an embedding index.

from sightline.vlm import bulk, load
model = load("sightline-tiny")
bulk.run(bulk.Captions(model=model), bulk.gather("photos/"), bulk.Manner(out=Path("captions.parquet")))

index = bulk.create_index(model, "photos.index")
index.add(bulk.gather("photos/"))
index.search("a red three above a blue seven", top=5)

Importing this package loads no torch; tasks, runs and indexes do when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sightline.vlm.bulk.formats import FORMATS, check_table
    from sightline.vlm.bulk.index import Hit, Index, Indexed, IndexProblem, create_index, open_index, read_facts
    from sightline.vlm.bulk.published import FORMS
    from sightline.vlm.bulk.results import Results
    from sightline.vlm.bulk.rows import ResultsError, Row, plain
    from sightline.vlm.bulk.runs import BATCH, Manner, Outcome, Progress, run
    from sightline.vlm.bulk.tasks import Answers, Captions, Labels, MatchScores, Task, Vectors, told
    from sightline.vlm.data.sources import Item, Items, SourceError, gather, of_lines

__all__ = [
    "BATCH",
    "FORMATS",
    "FORMS",
    "Answers",
    "Captions",
    "Hit",
    "Index",
    "IndexProblem",
    "Indexed",
    "Item",
    "Items",
    "Labels",
    "Manner",
    "MatchScores",
    "Outcome",
    "Progress",
    "Results",
    "ResultsError",
    "Row",
    "SourceError",
    "Task",
    "Vectors",
    "check_table",
    "create_index",
    "gather",
    "of_lines",
    "open_index",
    "plain",
    "read_facts",
    "run",
    "told",
]

_HOMES = {
    "sightline.vlm.bulk.index": (
        "Hit",
        "Index",
        "IndexProblem",
        "Indexed",
        "create_index",
        "open_index",
        "read_facts",
    ),
    "sightline.vlm.bulk.formats": ("FORMATS", "check_table"),
    "sightline.vlm.bulk.published": ("FORMS",),
    "sightline.vlm.bulk.results": ("Results",),
    "sightline.vlm.bulk.rows": ("ResultsError", "Row", "plain"),
    "sightline.vlm.bulk.runs": (
        "BATCH",
        "Manner",
        "Outcome",
        "Progress",
        "run",
    ),
    "sightline.vlm.bulk.tasks": (
        "Answers",
        "Captions",
        "Labels",
        "MatchScores",
        "Task",
        "Vectors",
        "told",
    ),
    "sightline.vlm.data.sources": (
        "Item",
        "Items",
        "SourceError",
        "gather",
        "of_lines",
    ),
}
"""Where each name is defined."""


def __getattr__(name: str) -> Any:
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
