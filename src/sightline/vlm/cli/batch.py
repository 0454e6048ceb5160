"""One way to run a task from the shell: on one image or a million, to the screen or to a table."""

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sightline.vlm.cli.job import Job
from sightline.vlm.cli.shell import errors, load, print_json, progress_bar
from sightline.vlm.config import SightlineVlmError

if TYPE_CHECKING:
    from sightline.vlm.bulk import Items, Outcome, Row, Task
    from sightline.vlm.loaded import Loaded

ROWS_READ = 1000
"""Rows of a table whose texts are looked at for words the model does not know."""
FAILURES_SHOWN = 5
"""Failures told on stderr while a table is written; the table has them all."""
INTERRUPTED = 130
"""Exit code of a command ended by Ctrl-C: 128 + SIGINT, as shells have it."""


def gathered(
    sources: Sequence[str], job: Job, columns: Mapping[str, str], *, images: bool = True, texts: bool = False
) -> "Items":
    """The items of the sources, one at least; `-` reads paths and URLs from stdin.

    Args:
        sources: As typed.
        job: Which column holds the image, and the model and the table to write, whose names are checked first.
        columns: Of that table, with their kinds.
        images: Whether a table must have images.
        texts: Whether an item is a text of a table rather than an image.
    """
    from sightline.vlm.bulk import check_table, gather  # late: brings numpy and Pillow
    from sightline.vlm.weights.catalog import check

    check(job.model)
    if job.out is not None:
        check_table(job.out, columns, job.form)
        check_place(job.out)
    elif job.form is not None:
        raise SightlineVlmError(f"--as {job.form} is the format of a file: give its name with --out")
    lines = typer.get_text_stream("stdin", errors="surrogateescape") if "-" in sources else None
    items = gather(*sources, column=job.column, images=images, texts=texts, beside=job.beside, lines=lines)
    for note in items.notes:
        errors.print(note, markup=False)
    if not len(items):
        named = ", ".join("stdin" if source == "-" else source for source in sources)
        raise SightlineVlmError(f"nothing to work on: {named} names no image and has no row")
    return items


def check_place(out: Path) -> None:
    """Raises `SightlineVlmError` where a file of this name cannot be, before anything slow begins."""
    if out.is_dir():
        raise SightlineVlmError(f"cannot write {out}: it is a folder, give the name of a file")
    above = next((folder for folder in out.absolute().parents if folder.exists()), None)
    if above is not None and not above.is_dir():
        raise SightlineVlmError(f"cannot write {out}: {above} is a file, not a folder")


def given_texts(texts: Sequence[str] | None, what: str) -> list[str]:
    """The texts of a command line; raises `SightlineVlmError` when one of them is empty."""
    if any(not text.strip() for text in texts or ()):
        raise SightlineVlmError(f"a {what} is empty: write it between quotes, or leave it out")
    return list(texts or ())


def read_texts(items: "Items", column: str) -> list[str]:
    """What the first rows of tables have in a column, as far as it is text."""
    found = (item.field(column) for item in islice(items, ROWS_READ))
    return [text for text in found if isinstance(text, str)]


def perform(job: Job, items: "Items", task_of: Callable[["Loaded"], "Task"], say: Callable[["Row", bool], str]) -> None:
    """Runs the task and ends the command with what came of it.

    Args:
        job: With which model, and where to.
        items: What `gathered` found.
        task_of: Makes the task from the loaded model.
        say: A row as a line, given also whether there is one item only.
    """
    alone = len(items) == 1
    if alone and not job.as_json and job.out is None:
        check_readable(items)
    from sightline.vlm.bulk import Manner, run  # late: brings torch

    task, started_s = task_of(load(job.model, job.device, alone)), time.monotonic()
    hears = _hears(job, lambda row: say(row, alone))
    with progress_bar(show=len(items) > 1) as progress:
        manner = Manner(
            out=job.out,
            form=job.form,
            batch=job.batch,
            overwrite=job.overwrite,
            progress=progress,
            hears=hears,
        )
        try:
            outcome = run(task, items, manner)
        except KeyboardInterrupt:
            if job.out is not None:
                but = ", without --overwrite," if job.overwrite else ""
                errors.print(f"interrupted: the same command{but} goes on from here")
            raise typer.Exit(INTERRUPTED) from None
    if job.out is not None:
        _report(job, task.name, outcome, time.monotonic() - started_s)
    elif job.as_json:
        print_json({"model": job.model, task.name: [_printable(row) for row in outcome.rows]})
    finish(outcome.failed, outcome.total)


def check_readable(items: "Items") -> None:
    """Raises `ImageError` where the only image cannot be read: told before torch is imported."""
    from sightline.vlm.data.images import read  # late: brings numpy and Pillow

    image = next(iter(items)).image
    if image is not None:
        read(image)


def _hears(job: Job, line: Callable[["Row"], str]) -> Callable[[Sequence["Row"]], None] | None:
    """What happens to rows as they come: they are printed, or, where a table takes them, the first failures are."""
    if job.out is None:
        return None if job.as_json else lambda rows: _print_rows(rows, line)
    told = count(1)

    def hear(rows: Sequence["Row"]) -> None:
        for row in rows:
            if "error" in row and (number := next(told)) <= FAILURES_SHOWN + 1:
                more = f"error: more images failed: the column error of {job.out} says why"
                errors.print(f"error: {row['error']}" if number <= FAILURES_SHOWN else more, markup=False)

    return hear


def finish(failed: int, total: int) -> None:
    """Exit code 2 when everything failed, 1 when a part did."""
    if failed:
        raise typer.Exit(2 if failed == total else 1)


def _print_rows(rows: Sequence["Row"], line: Callable[["Row"], str]) -> None:
    for row in rows:
        if "error" in row:
            errors.print(f"error: {row['error']}", markup=False)
        else:
            typer.echo(line(row))


def _printable(row: "Row") -> dict[str, Any]:
    from sightline.vlm.bulk import plain  # late: brings numpy

    return {name: plain(value) for name, value in row.items()}


def _report(job: Job, what: str, outcome: "Outcome", took_s: float) -> None:
    """What became of the items: JSON on stdout, else a line on stderr."""
    fresh = outcome.total - outcome.resumed
    if job.as_json:
        counts = {
            "total": outcome.total,
            "resumed": outcome.resumed,
            "failed": outcome.failed,
            "rows": outcome.written,
        }
        print_json({"model": job.model, "out": str(job.out), **counts, "seconds": round(took_s, 2)})
        return
    failed = f", {outcome.failed:,} failed (the same call tries them again)" if outcome.failed else ""
    before = f", {outcome.resumed:,} from before" if outcome.resumed else ""
    errors.print(
        f"{what}: {outcome.written:,} {'row' if outcome.written == 1 else 'rows'} of {outcome.total:,} "
        f"{'item' if outcome.total == 1 else 'items'} in {job.out}{before}{failed}, {fresh / max(took_s, 1e-9):,.1f}/s",
        markup=False,
    )


def one_image(items: "Items", why: str) -> Any:
    """The only item's image; raises when there are several, or the only one has none."""
    if len(items) != 1:
        raise SightlineVlmError(f"{why} needs one image, {len(items):,} were given: call once for each")
    item = next(iter(items))
    if item.image is None:
        raise SightlineVlmError(f"{item.place} has no image")
    return item.image
