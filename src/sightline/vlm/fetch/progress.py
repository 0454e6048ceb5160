"""A bar on stderr while a file comes in."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Told = Callable[[int, int | None], None]
"""Hears how many bytes there are, and how many there will be, if that is known."""


@contextmanager
def bar(name: str) -> Iterator[Told]:
    """Name, share, size, rate and time left; results on stdout stay clean."""
    from rich.console import Console  # late: only a download needs it
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(binary_units=True))
    with Progress(*columns, TransferSpeedColumn(), TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def say(sentence: str) -> None:
    """A line on stderr."""
    from rich.console import Console  # late: as above

    Console(stderr=True).print(sentence, highlight=False, soft_wrap=True)
