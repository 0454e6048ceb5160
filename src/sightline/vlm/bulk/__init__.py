"""Batch inference over many images: tasks, resumable idempotent runs, result tables, and an embedding index.

from sightline.vlm import bulk, load
model = load("sightline-tiny")
bulk.run(bulk.Captions(model=model), bulk.gather("photos/"), bulk.Manner(out=Path("captions.parquet")))

index = bulk.create_index(model, "photos.index")
index.add(bulk.gather("photos/"))
index.search("a red three above a blue seven", top=5)
"""

from sightline.vlm.bulk.index import Hit, Index, Indexed, IndexProblem, create_index, open_index, read_facts
from sightline.vlm.bulk.results import FORMATS, Results, ResultsError, Row, check_table, plain
from sightline.vlm.bulk.run import BATCH, Manner, Outcome, Progress, run
from sightline.vlm.bulk.tasks import Answers, Captions, Labels, MatchScores, Task, Vectors, told
from sightline.vlm.data.sources import Item, Items, SourceError, gather, of_lines

__all__ = [
    "BATCH",
    "FORMATS",
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
