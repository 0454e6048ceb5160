"""What every command of the model half shares: options, loading, progress, output.

Results go to stdout, progress and complaints to stderr. Exit code 2 is a mistake in the call, 1 a part that failed.
"""

import io
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from sightline.vlm.config import SightlineVlmError

if TYPE_CHECKING:
    from sightline.vlm.loaded import Loaded

DEFAULT_MODEL = "sightline-tiny"
"""What a command uses without `--model`: in the package, no download."""
EXTRA = ("numpy", "opentelemetry", "safetensors", "sklearn", "tokenizers", "torch", "transformers", "huggingface_hub")
"""Packages that the extra `vlm` brings."""
UNKNOWN_SHOWN = 8
"""Words outside a model's vocabulary that are named; the rest is counted."""
SAY_EVERY_S = 10.0
"""Between two lines of progress where nobody watches a bar."""

errors = Console(stderr=True, highlight=False, soft_wrap=True)

ModelName = Annotated[str, typer.Option("--model", "-m", help="A name of `sightline models`, a hub id, or a folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Device = Annotated[str, typer.Option("--device", help="Where the model runs: cpu, cuda, … or auto.")]


class MissingExtraError(SightlineVlmError):
    """A command of the model half in an install without it."""


@contextmanager
def model_half() -> Iterator[None]:
    """Around every command of the model half: a missing extra becomes a sentence, spans go where variables say.

    File names that are no text are printed with escapes for their odd bytes.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        from sightline.vlm import spans  # late: brings OpenTelemetry, which the extra installs

        flush = spans.send_from_environment("sightline")
        try:
            yield
        finally:
            flush()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in EXTRA:
            raise
        raise MissingExtraError(
            f"this command needs the model half, and {error.name} is not installed: pip install 'sightline[vlm]'"
        ) from error


def load(name: str, device: str = "cpu", alone: bool = False) -> "Loaded":
    """The model, with a spinner while it takes long; `alone`: for one image, where threads cost more than they bring
    to a model as small as the shipped one."""
    from sightline.vlm.weights.catalog import check, find

    check(name)
    import torch  # late: takes a second to import

    from sightline.vlm.loaded import load as load_model

    known = find(name)
    if alone and known is not None and known.shipped:
        torch.set_num_threads(1)
    _check_device(device)
    with errors.status(f"loading {name}"):
        return load_model(name, device=device)


def _check_device(name: str) -> None:
    """Raises `SightlineVlmError` for a device that torch does not know, or that this machine has not.

    `auto` is no device, but leaves it to the model which to use.
    """
    if name in ("auto", "cpu"):
        return
    import torch  # late: takes a second to import

    try:
        torch.empty(1, device=name).cpu()
    except (RuntimeError, AssertionError) as error:  # the latter where torch was built without that kind of device
        why = str(error).splitlines()[0]
        raise SightlineVlmError(f"cannot use the device {name!r}: {why} (--device cpu always works)") from error


def say_unknown(loaded: "Loaded", texts: Iterable[str]) -> None:
    """Says on stderr which words a model with a closed vocabulary does not know: its answers hold for others only."""
    readers = [each for each in (loaded.checkpoint.text_tokenizer, loaded.checkpoint.tokenizer) if each is not None]
    unknown = dict.fromkeys(word for text in texts for reader in readers for word in reader.unknown(text))
    if unknown:
        more = f" and {len(unknown) - UNKNOWN_SHOWN} more" if len(unknown) > UNKNOWN_SHOWN else ""
        named = ", ".join(repr(word) for word in list(unknown)[:UNKNOWN_SHOWN])
        errors.print(f"{loaded.name} does not know {named}{more}: what it says of that means nothing", markup=False)


def print_json(value: Any) -> None:
    """One document on stdout; all of it in ASCII where there is something that stdout has no bytes for."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=2)
    typer.echo(text)


class Rate(ProgressColumn):
    """Items a second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.1f}/s")


@contextmanager
def progress_bar(show: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Yields `progress(what, done, total)`: bars on stderr when somebody looks at it, else a line now and then."""
    if not errors.is_terminal or not show:
        yield Lines().hear
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total, completed=done)
            bars.update(tasks[what], completed=done, total=total)

        yield progress


class Lines:
    """Progress as plain lines, for logs."""

    def __init__(self) -> None:
        self.what = ""
        self.first, self.started_s, self.said_s = 0, 0.0, 0.0

    def hear(self, what: str, done: int, total: int) -> None:
        now_s = time.monotonic()
        if what != self.what:
            self.what, self.first, self.started_s, self.said_s = what, done, now_s, now_s
        elif now_s - self.said_s >= SAY_EVERY_S and done > self.first:
            self.said_s = now_s
            rate = (done - self.first) / (now_s - self.started_s)
            left = timedelta(seconds=round((total - done) / rate))
            errors.print(f"{what}: {done:,} of {total:,}, {rate:,.1f}/s, {left} left", markup=False)
