"""One way to run a task from the shell: on one image or a million, to the screen or to a table."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sightline.vlm.cli.job import Job
from sightline.vlm.cli.shell import errors, load, print_json, progress_bar
from sightline.vlm.config import SightlineVlmError

if TYPE_CHECKING:
    from sightline.vlm.bulk import Items, Outcome, Row, Task
    from sightline.vlm.loaded import Loaded

INTERRUPTED = 130
"""Exit code of a command ended by Ctrl-C: 128 + SIGINT, as shells have it."""


def gathered(sources: Sequence[str], job: Job, columns: Mapping[str, str], images: bool = True) -> "Items":
    """The items of the sources, one at least; `-` reads paths and URLs from stdin.

    Args:
        sources: As typed.
        job: Which column holds the image, and the table to write, whose name is checked before anything is read.
        columns: Of that table, with their kinds.
        images: Whether a table must have images.
    """
    from sightline.vlm.bulk import check_table, gather  # late: brings torch

    if job.out is not None:
        check_table(job.out, columns)
        check_place(job.out)
    lines = typer.get_text_stream("stdin", errors="surrogateescape") if "-" in sources else None
    items = gather(*sources, column=job.column, images=images, lines=lines)
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


def perform(job: Job, items: "Items", task_of: Callable[["Loaded"], "Task"], say: Callable[["Row", bool], str]) -> None:
    """Runs the task and ends the command with what came of it.

    Args:
        job: With which model, and where to.
        items: What `gathered` found.
        task_of: Makes the task from the loaded model.
        say: A row as a line, given also whether there is one item only.
    """
    from sightline.vlm.bulk import Manner, run  # late: brings torch

    alone = len(items) == 1
    show = None if job.out or job.as_json else lambda rows: _print_rows(rows, lambda row: say(row, alone))
    task, started_s = task_of(load(job.model, job.device)), time.monotonic()
    with progress_bar(show=len(items) > 1) as progress:
        manner = Manner(out=job.out, batch=job.batch, overwrite=job.overwrite, progress=progress, hears=show)
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
        counts = {"total": outcome.total, "resumed": outcome.resumed, "failed": outcome.failed}
        print_json({"model": job.model, "out": str(job.out), **counts, "seconds": round(took_s, 2)})
        return
    failed = f", {outcome.failed:,} failed (the same call tries them again)" if outcome.failed else ""
    before = f", {outcome.resumed:,} from before" if outcome.resumed else ""
    errors.print(
        f"{what}: {outcome.total:,} in {job.out}{before}{failed}, {fresh / max(took_s, 1e-9):,.1f}/s", markup=False
    )


def one_image(items: "Items", why: str) -> Any:
    """The only item's image; raises when there are several, or the only one has none."""
    if len(items) != 1:
        raise SightlineVlmError(f"{why} needs one image, {len(items):,} were given: call once for each")
    item = next(iter(items))
    if item.image is None:
        raise SightlineVlmError(f"{item.place} has no image")
    return item.image
