"""Options that every command over many images has, declared once.

A command takes `job: Job` besides its own options. `takes_job` gives it all options of `Job` on the command line: the
model stands where `job` stands, the others follow the command's own, so that help begins with what matters most.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from sightline.vlm.cli.shell import DEFAULT_MODEL, Device, Json, ModelName

BATCH = 8
"""Default batch size: `bulk.BATCH`, repeated here because importing it brings torch."""

Sources = Annotated[
    list[str],
    typer.Argument(
        help="Images, URLs, folders, patterns, lists (.txt) or tables (.jsonl, .csv, .parquet); - is stdin."
    ),
]
Column = Annotated[str | None, typer.Option("--column", help="The column of a table that holds the image.")]


@dataclass(frozen=True, kw_only=True)
class Job:
    """With which model a command works, where its results go, and in which form."""

    model: ModelName = DEFAULT_MODEL
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write a table (.jsonl, .parquet, .csv; arrays .npz). The same call goes on after an interruption."
        ),
    ] = None
    batch: Annotated[int, typer.Option("--batch", min=1, help="Images in one pass of the model.")] = BATCH
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Do a finished table again.")] = False
    column: Column = None
    device: Device = "cpu"
    as_json: Json = False


def takes_job(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of `Job` in place of its parameter `job`."""
    names = [each.name for each in fields(Job)]
    hints = get_type_hints(Job, include_extras=True)
    model, *others = (
        Parameter(each.name, Parameter.KEYWORD_ONLY, default=each.default, annotation=hints[each.name])
        for each in fields(Job)
    )
    own = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in signature(command, eval_str=True).parameters.values()]
    shown = [model if each.name == "job" else each for each in own] + others

    @wraps(command)
    def with_job(**given: Any) -> None:
        chosen = {name: given.pop(name) for name in names}
        command(job=Job(**chosen), **given)

    with_job.__signature__ = signature(command).replace(parameters=shown)  # type: ignore[attr-defined]
    with_job.__annotations__ = {each.name: each.annotation for each in shown}
    return with_job
