"""Progress on stderr, the outcome on stdout."""

from dataclasses import asdict
from datetime import timedelta
from time import monotonic
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from sightline.server.importing.records import Remark, Summary, Tally

SAY_EVERY_S = 10.0
"""Interval of progress lines where stderr is no terminal."""


class Count(ProgressColumn):
    def render(self, task: Task) -> Text:
        of = "" if task.total is None else f" of {task.total:,.0f}"
        return Text(f"{task.completed:,.0f}{of}")


class Rate(ProgressColumn):
    """Rows a second, over the last moments."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


class Left(ProgressColumn):
    """Time left, where the total is known."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        if task.finished or task.time_remaining is None:
            return Text("")
        return Text(f"{timedelta(seconds=round(task.time_remaining))} left")


class Bars:
    """A line for each part while it crosses."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), Count(), Rate(), TimeElapsedColumn(), Left())
        self.progress = Progress(*columns, console=console)
        self._tasks: dict[str, TaskID] = {}
        self._said_at = monotonic()

    def begins(self, tally: Tally) -> None:
        task = self.progress.add_task(tally.part, total=tally.total, completed=tally.read)
        self._tasks[tally.part] = task

    def moved(self, tally: Tally) -> None:
        if not self.progress.console.is_terminal and monotonic() > self._said_at + SAY_EVERY_S:
            self._said_at = monotonic()
            of = "" if tally.total is None else f" of {tally.total:,}"
            self.progress.console.print(f"{tally.part}: {tally.read:,}{of} read")
        self.progress.update(self._tasks[tally.part], completed=tally.read)

    def ends(self, tally: Tally) -> None:
        if tally.part in self._tasks:
            self.progress.update(self._tasks[tally.part], completed=tally.read, total=tally.read)


def as_json(summary: Summary) -> dict[str, Any]:
    return asdict(summary) | {"complete": summary.complete}


def show(summary: Summary, console: Console) -> None:
    """A table of what crossed, then what did not and why."""
    console.print(_table(summary))
    for lost, title in ((True, "Left out:"), (False, "Carried, but not as it was:")):
        remarks = [remark for remark in summary.remarks if remark.lost is lost]
        if remarks:
            console.print(title)
            for remark in remarks:
                console.print(f"  {_sentence(remark)}", markup=False)


def _table(summary: Summary) -> Table:
    if summary.dry_run:
        table = Table("part", "in the source", title=f"{summary.source} (nothing was written)")
        for tally in summary.tallies:
            table.add_row(tally.part, "not counted" if tally.total is None else f"{tally.total:,}")
        return table
    table = Table("part", "read", "carried", "left out", title=f"{summary.source} → {summary.target}")
    for tally in summary.tallies:
        table.add_row(tally.part, f"{tally.read:,}", f"{tally.carried:,}", f"{tally.left_out:,}")
    return table


def _sentence(remark: Remark) -> str:
    more = ", …" if remark.count > len(remark.examples) else ""
    return f"{remark.count:,} {remark.part}: {remark.reason} ({', '.join(remark.examples)}{more})"
