"""Commands that score and embed: match, classify, embed."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.vlm.cli.batch import gathered, given_texts, one_image, perform, read_texts
from sightline.vlm.cli.job import Job, Sources, takes_job
from sightline.vlm.cli.looked import LookedOut, check_looked, write_looked
from sightline.vlm.cli.shell import model_half, say_unknown
from sightline.vlm.config import SightlineVlmError

if TYPE_CHECKING:
    from sightline.vlm.bulk import Items, Row, Task
    from sightline.vlm.loaded import Loaded


@takes_job
def match(
    image: Annotated[str, typer.Argument(help="An image, URL, folder, pattern, list or table.")],
    texts: Annotated[list[str] | None, typer.Argument(help="One or several; none: the column `text` of a table.")] = (
        None
    ),
    *,
    job: Job,
    looked: LookedOut = None,
) -> None:
    """Score how well images and texts go together: the probability of a match, and the cosine."""
    given = given_texts(texts, "text")
    check_looked(looked, None)
    with model_half():
        from sightline.vlm.bulk.columns import MATCHES  # late: brings numpy

        items = gathered([image], job, MATCHES, texts=not given)
        if not given and next(iter(items)).field("text") is None:
            raise SightlineVlmError("no text: give one or several, or a table with a column `text`")
        look = _look(items, given, looked) if looked is not None else None

        def task(loaded: "Loaded") -> "Task":
            from sightline.vlm.bulk import MatchScores  # late: brings torch

            say_unknown(loaded, given or read_texts(items, "text"))
            if look is not None:
                look(loaded)
            return MatchScores(model=loaded, texts=given)

        perform(job, items, task, _match_line)


@takes_job
def classify(
    images: Sources,
    label: Annotated[list[str] | None, typer.Option("--label", "-l", help="One label; give several times.")] = None,
    labels: Annotated[
        str | None, typer.Option("--labels", help="A file with a label a line, or labels with commas between them.")
    ] = None,
    *,
    job: Job,
) -> None:
    """Choose the likeliest of a list of labels for every image."""
    chosen = _chosen(label or [], labels)
    with model_half():
        from sightline.vlm.bulk.columns import LABELS  # late: brings numpy

        items = gathered(images, job, LABELS)

        def task(loaded: "Loaded") -> "Task":
            from sightline.vlm.bulk import Labels  # late: brings torch

            say_unknown(loaded, chosen)
            return Labels(model=loaded, labels=chosen)

        perform(job, items, task, _label_line)


@takes_job
def embed(
    images: Sources,
    mode: Annotated[
        str, typer.Option(help="image; text or multimodal: the column `text` of a table is read too.")
    ] = "image",
    *,
    job: Job,
) -> None:
    """Write vectors of images, texts or pairs to a file (--out), or print them (--json)."""
    if job.out is None and not job.as_json:
        raise SightlineVlmError("vectors are long: write them with --out vectors.npz (.parquet, .jsonl), or --json")
    with model_half():
        items = gathered(images, job, {}, images=mode != "text", texts=mode != "image")

        def task(loaded: "Loaded") -> "Task":
            from sightline.vlm.bulk import Vectors  # late: brings torch

            if mode != "image":
                say_unknown(loaded, read_texts(items, "text"))
            return Vectors(model=loaded, mode=mode)

        perform(job, items, task, lambda row, _: str(row))


def _look(items: "Items", texts: list[str], path: Path) -> Callable[["Loaded"], None]:
    """Reads the only image; what is given back writes where a model looks to match the texts with it."""
    from sightline.vlm.data.images import read  # late: brings numpy and Pillow

    picture = read(one_image(items, "--looked"))

    def look(loaded: "Loaded") -> None:
        matches = loaded.match(picture, texts or [next(iter(items)).field("text")], looked="attention")
        write_looked((matches.looked or [[]])[0], picture, path)

    return look


def _chosen(single: list[str], listed: str | None) -> list[str]:
    """The labels of both options; raises `SightlineVlmError` for fewer than two, or one that is there twice."""
    chosen = [*given_texts(single, "label"), *(_labels(listed) if listed else [])]
    if len(chosen) < 2:
        where = f" ({listed} {'names no more' if _is_file(listed) else 'is no file'})" if listed else ""
        raise SightlineVlmError(f"{len(chosen)} labels given{where}: give two at least, with --label or --labels")
    if twice := next((each for each in chosen if chosen.count(each) > 1), None):
        raise SightlineVlmError(f"the label {twice!r} is given twice: its probability would be split")
    return chosen


def _labels(given: str) -> list[str]:
    """A label a line of a file; of anything that is not a file, those between its commas."""
    path = Path(given).expanduser()
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n") if _is_file(given) else given.split(",")
    except (OSError, UnicodeDecodeError) as error:
        raise SightlineVlmError(f"cannot read labels from {path}: {error}") from error
    return [line.strip() for line in lines if line.strip()]


def _is_file(given: str) -> bool:
    """Whether this names a file; a list of labels may be too long to be a name."""
    return os.path.isfile(Path(given).expanduser())  # noqa: PTH113 - Path.is_file raises for such a name


def _match_line(row: "Row", alone: bool) -> str:
    return f"{row['itm']:.3f}  {row['itc']:+.3f}  {'' if alone else row['image'] + ': '}{row['text']}"


def _label_line(row: "Row", alone: bool) -> str:
    return f"{'' if alone else row['image'] + ': '}{row['label']} ({row['probability']:.3f})"
