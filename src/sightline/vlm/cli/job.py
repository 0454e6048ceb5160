"""Options that several commands have, declared once.

A command takes `job: Job`, or `writing: Writing`, besides its own options. `takes_job` gives it all options of these on
the command line: the model stands where `job` stands, the others follow the command's own, so that help begins with
what matters most.
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
        help="Images, URLs, folders, patterns, archives (.zip, .tar), lists (.txt) or tables (.jsonl, .csv, .parquet, "
        "COCO's and VQAv2's .json); - is stdin."
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
    form: Annotated[
        str | None,
        typer.Option("--as", help="Write --out as a benchmark publishes it: coco, vqa (.json), or trec (a run)."),
    ] = None
    beside: Annotated[
        Path | None, typer.Option("--images", help="Folder, zip or tar of the images that a table names.")
    ] = None
    batch: Annotated[int, typer.Option("--batch", min=1, help="Images in one pass of the model.")] = BATCH
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Do a finished table again.")] = False
    column: Column = None
    device: Device = "cpu"
    as_json: Json = False


@dataclass(frozen=True, kw_only=True)
class Writing:
    """How a language model writes; what is not given is the checkpoint's own."""

    beams: Annotated[int | None, typer.Option("--beams", min=1, help="Beams; 1 is greedy decoding.")] = None
    max_new_tokens: Annotated[
        int | None, typer.Option("--max-new-tokens", min=1, help="Tokens after which an answer is cut.")
    ] = None
    min_new_tokens: Annotated[
        int | None, typer.Option("--min-new-tokens", min=0, help="Tokens before which an answer may not end.")
    ] = None
    sample: Annotated[bool, typer.Option("--sample", help="Draw tokens rather than take the likeliest.")] = False
    temperature: Annotated[float | None, typer.Option("--temperature", help="Of drawing.")] = None
    top_p: Annotated[float | None, typer.Option("--top-p", help="Nucleus that is drawn from.")] = None
    top_k: Annotated[int | None, typer.Option("--top-k", help="Likeliest tokens that are drawn from.")] = None
    seed: Annotated[int | None, typer.Option("--seed", help="Of the draws.")] = None
    repetition_penalty: Annotated[
        float | None, typer.Option("--repetition-penalty", help="Above 1: tokens once written become less likely.")
    ] = None
    length_penalty: Annotated[
        float | None, typer.Option("--length-penalty", help="Above 0: beam search favours long answers.")
    ] = None

    def options(self) -> dict[str, Any]:
        """Those given, by the names of `Decoding`; drawing is greedy in width unless beams are asked for."""
        told = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in ("beams", "sample")}
        drawn = self.sample or any(told[name] is not None for name in ("temperature", "top_p", "top_k", "seed"))
        beams = 1 if drawn and self.beams is None else self.beams
        told |= {"num_beams": beams, "do_sample": True if drawn else None}
        return {name: value for name, value in told.items() if value is not None}


EXPANDED: dict[str, type[Job] | type[Writing]] = {"job": Job, "writing": Writing}
"""Parameters of a command that stand for several options."""


def takes_job(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of `Job`, and of `Writing` if it takes that, in place of their parameters."""
    own = signature(command, eval_str=True).parameters
    groups = {name: kind for name, kind in EXPANDED.items() if name in own}
    options = {name: _options(kind) for name, kind in groups.items()}
    model, *others = options["job"]
    shown = [
        model if name == "job" else each.replace(kind=Parameter.KEYWORD_ONLY)
        for name, each in own.items()
        if name != "writing"
    ] + [*options.get("writing", ()), *others]

    @wraps(command)
    def with_job(**given: Any) -> None:
        made = {
            name: kind(**{each.name: given.pop(each.name) for each in fields(kind)}) for name, kind in groups.items()
        }
        command(**made, **given)

    with_job.__signature__ = signature(command).replace(parameters=shown)  # type: ignore[attr-defined]
    with_job.__annotations__ = {each.name: each.annotation for each in shown}
    return with_job


def _options(kind: type[Job] | type[Writing]) -> list[Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    return [
        Parameter(each.name, Parameter.KEYWORD_ONLY, default=each.default, annotation=hints[each.name])
        for each in fields(kind)
    ]
