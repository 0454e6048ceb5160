"""Commands that find images: index, search."""

import time
from collections.abc import Iterable
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightline.vlm.cli.batch import INTERRUPTED, finish, gathered, given_texts
from sightline.vlm.cli.job import Column, Job, Sources
from sightline.vlm.cli.shell import (
    DEFAULT_MODEL,
    Device,
    Json,
    ModelName,
    errors,
    load,
    model_half,
    print_json,
    progress_bar,
    say_unknown,
)
from sightline.vlm.config import SightlineVlmError

if TYPE_CHECKING:
    from sightline.vlm.bulk import Hit, Index

IndexFolder = Annotated[Path, typer.Argument(help="A folder that `sightline index` made.")]
RUNS = (".run", ".trec")
"""Endings of a TREC run."""
BATCH = 32
"""Default batch size of indexing: larger than that of tasks, as nothing is generated."""


def index(  # noqa: PLR0913, PLR0917 - typer reads a command's options from its parameters
    images: Sources,
    out: Annotated[Path, typer.Option(help="Folder of the index; what it holds already is not embedded again.")],
    model: ModelName = DEFAULT_MODEL,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Images in one pass of the model.")] = BATCH,
    column: Column = None,
    device: Device = "cpu",
    as_json: Json = False,
) -> None:
    """Make images searchable; the same command goes on after an interruption, and adds what is new."""
    job = Job(model=model, device=device, column=column, as_json=as_json)
    with model_half():
        from sightline.vlm.bulk import create_index  # late: brings torch

        items = gathered(images, job, {})
        made, started_s = create_index(load(model, device), out), time.monotonic()
        with progress_bar(show=True) as progress:
            try:
                done = made.add(items, batch, progress)
            except KeyboardInterrupt:
                errors.print(f"interrupted: {len(made):,} of {len(items):,} are in; the same command goes on from here")
                raise typer.Exit(INTERRUPTED) from None
    took_s = time.monotonic() - started_s
    for why in done.failures.values():
        errors.print(f"error: {why}", markup=False)
    counts = {"total": done.total, "resumed": done.resumed, "failed": len(done.failures), "indexed": len(made)}
    if as_json:
        print_json({"model": model, "index": str(out), **counts, "seconds": round(took_s, 2)})
    else:
        rate = (done.total - done.resumed) / max(took_s, 1e-9)
        before = f" ({done.resumed:,} from before)" if done.resumed else ""
        errors.print(f"{out} holds {len(made):,} images{before}, {rate:,.1f}/s", markup=False)
    finish(len(done.failures), done.total)


def search(  # noqa: PLR0913, PLR0917 - as above
    folder: IndexFolder,
    texts: Annotated[list[str] | None, typer.Argument(help="What to find; - reads a text a line from stdin.")] = None,
    image: Annotated[str | None, typer.Option(help="Find images like this one.")] = None,
    queries: Annotated[
        Path | None, typer.Option(help="A table of texts, with query_id or numbered, or a list (.txt), one a line.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write a TREC run (.run, .trec) of all queries.")] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="How many to show.")] = 10,
    rerank: Annotated[
        int, typer.Option(min=0, help="Read so many of the best again together with the text, and order them by that.")
    ] = 0,
    model: Annotated[str | None, typer.Option("--model", "-m", help="The model that made the index, if moved.")] = None,
    device: Device = "cpu",
    as_json: Json = False,
) -> None:
    """Find images by text, or by an image."""
    if not texts and image is None and queries is None:
        raise SightlineVlmError("nothing to find: give a text, --image, or --queries")
    if out is not None and out.suffix.lower() not in RUNS:
        raise SightlineVlmError(f"cannot write {out}: a run's name must end in {' or '.join(RUNS)}")
    asked = chain(_listed(queries), _queries(given_texts(texts, "text"), image))
    with model_half():
        from sightline.vlm.bulk import open_index, read_facts  # late: brings torch

        opened = open_index(folder, load(model or read_facts(folder.expanduser()).model, device))
        told: list[dict[str, Any]] = []
        for query in asked:
            say_unknown(opened.model, [query.get("text", "")])
            found = _found(opened, query, top, rerank)
            told.append(found)
            if not as_json and out is None:
                _print_hits(found)
        if not told:
            raise SightlineVlmError("nothing to find: stdin has no line with a text")
    if out is not None:
        _write_run(out, told)
    if as_json:
        print_json({"index": str(folder), "searches": told})


def _listed(path: Path | None) -> list[dict[str, str]]:
    """The queries of a table, by their ids or numbers; of a list, a line each."""
    if path is None:
        return []
    if path.suffix.lower() == ".txt":
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").split("\n") if line.strip()]
        return [{"id": str(at), "text": line} for at, line in enumerate(lines, 1)]
    from sightline.vlm.data.sources import gather  # late: brings numpy and Pillow

    items = list(gather(path, images=False, texts=True))
    texts = [item.field("text") or item.field("question") for item in items]
    if bad := next((item.place for item, text in zip(items, texts, strict=True) if not isinstance(text, str)), None):
        raise SightlineVlmError(
            f"{bad} has no text: a table of queries has a column `text`, and `query_id` if you like"
        )
    ids = [item.fields.get("query_id") for item in items]
    return [{"id": str(own or at), "text": text} for at, (own, text) in enumerate(zip(ids, texts, strict=True), 1)]


def _write_run(out: Path, searches: list[dict[str, Any]]) -> None:
    from sightline.vlm.bulk.published import run_lines  # late: brings numpy

    def scored(hit: dict[str, Any]) -> tuple[str, float]:
        """Re-ranked hits stand before all others, whose scores are cosines."""
        return Path(hit["name"]).name, hit["score"] if hit["itm"] is None else 1.0 + hit["itm"]

    pairs = [(each.get("id", str(at)), [*map(scored, each["hits"])]) for at, each in enumerate(searches, 1)]
    out.write_text("".join(run_lines(pairs)), encoding="utf-8")


def _queries(texts: list[str], image: str | None) -> Iterable[dict[str, str]]:
    lines = typer.get_text_stream("stdin") if texts == ["-"] else texts
    yield from ({"text": line.strip()} for line in lines if line.strip())
    if image is not None:
        yield {"image": image}


def _found(opened: "Index", query: dict[str, str], top: int, rerank: int) -> dict[str, Any]:
    started_s = time.perf_counter()
    hits: list[Hit] = (
        opened.search(query["text"], top, rerank) if "text" in query else opened.similar(query["image"], top)
    )
    took_ms = (time.perf_counter() - started_s) * 1000
    return {**query, "took_ms": round(took_ms, 2), "hits": [asdict(hit) for hit in hits]}


def _print_hits(found: dict[str, Any]) -> None:
    for hit in found["hits"]:
        matched = "" if hit["itm"] is None else f"{hit['itm']:.3f}  "
        typer.echo(f"{matched}{hit['score']:+.3f}  {hit['name']}")
