"""Commands of the model half. Importing this module loads neither torch nor transformers; running a command does.

Results go to stdout, progress and complaints to stderr. Exit code 2 is a mistake in the call, 1 a part that failed.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from sightline.vlm.config import SightlineVlmError

if TYPE_CHECKING:
    from sightline.vlm.loaded import Answer, Loaded

DEFAULT_MODEL = "sightline-tiny"
DEFAULT_PORT = 8100
IMAGES_AT_ONCE = 8
EXTRA = ("numpy", "opentelemetry", "safetensors", "sklearn", "tokenizers", "torch", "transformers", "huggingface_hub")
"""Packages that the extra `vlm` brings."""

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

ModelName = Annotated[str, typer.Option("--model", "-m", help="A name of `sightline models`, a hub id, or a folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Beams = Annotated[int | None, typer.Option("--beams", min=1, help="Beams; the checkpoint's own by default.")]
Length = Annotated[int | None, typer.Option("--max-new-tokens", min=1, help="Tokens after which an answer is cut.")]
Device = Annotated[str, typer.Option("--device", help="Where the model runs, e.g. cpu or cuda.")]


class MissingExtraError(SightlineVlmError):
    """A command of the model half in an install without it."""


@contextmanager
def model_half() -> Iterator[None]:
    """Around every command of the model half: a missing extra becomes a sentence, spans go where variables say."""
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


def load(name: str, device: str = "cpu") -> "Loaded":
    """The model, with a spinner while it takes long."""
    from sightline.vlm.loaded import load as load_model  # late: torch takes a second to import

    with errors.status(f"loading {name}"):
        return load_model(name, device=device)


@app.command()
def ask(  # noqa: PLR0913, PLR0917 - typer reads a command's options from its parameters
    image: Annotated[str, typer.Argument(help="A path or an http(s) URL.")],
    questions: Annotated[list[str], typer.Argument(help="One or several; the image is encoded once.")],
    model: ModelName = DEFAULT_MODEL,
    beams: Beams = None,
    max_new_tokens: Length = None,
    looked: Annotated[
        Path | None, typer.Option(help="Write a picture of where the model looked, word by word.")
    ] = None,
    device: Device = "cpu",
    as_json: Json = False,
) -> None:
    """Answer questions about an image."""
    with model_half():
        options = _options(num_beams=beams, max_new_tokens=max_new_tokens)
        method = "gradient" if looked is not None else None
        from sightline.vlm.data.images import read  # late: brings torch

        picture = read(image)
        answers = load(model, device).ask(picture, questions, looked=method, **options)
        if looked is not None:
            _write_sheet(answers, picture, looked)
    if as_json:
        told = [{"question": question, **_told(answer)} for question, answer in zip(questions, answers, strict=True)]
        _print_json({"model": model, "image": image, "answers": told})
        return
    for answer in answers:
        typer.echo(answer.text)


@app.command()
def caption(  # noqa: PLR0913, PLR0917 - as above
    images: Annotated[list[str], typer.Argument(help="Paths or http(s) URLs.")],
    model: ModelName = DEFAULT_MODEL,
    prompt: Annotated[str | None, typer.Option(help="What the language model reads after the image.")] = None,
    beams: Beams = None,
    max_new_tokens: Length = None,
    device: Device = "cpu",
    as_json: Json = False,
) -> None:
    """Describe images; one that cannot be read is reported, and the others are described all the same."""
    told: list[dict[str, Any]] = []
    with model_half():
        options = _options(num_beams=beams, max_new_tokens=max_new_tokens)
        loaded = load(model, device)
        with _bar(show=len(images) > 1) as progress:
            for at in range(0, len(images), IMAGES_AT_ONCE):
                some = _captions(loaded, images[at : at + IMAGES_AT_ONCE], prompt, options)
                told += some
                progress("captions", len(told), len(images))
                if not as_json:
                    _print_captions(some, alone=len(images) == 1)
    if as_json:
        _print_json({"model": model, "captions": told})
    failed = sum("error" in each for each in told)
    if failed:
        raise typer.Exit(2 if failed == len(told) else 1)


@app.command("models")
def list_models(as_json: Json = False) -> None:
    """List the models that can be loaded by name."""
    with model_half():
        from sightline.vlm.weights import CATALOG  # late: brings torch
    if as_json:
        known = [
            {"name": name, "about": each.about, "source": each.hub_id or "in the package", "also": list(each.also)}
            for name, each in CATALOG.items()
        ]
        _print_json({"models": known})
        return
    width = max(len(name) for name in CATALOG)
    for name, each in CATALOG.items():
        typer.echo(f"{name:<{width}}  {each.about} ({each.hub_id or 'in the package'})")


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="A name of `sightline models`, a hub id, or a folder.")],
    benchmark: Annotated[str, typer.Option(help="What to measure.")] = "digit-scenes",
    device: Device = "cpu",
    as_json: Json = False,
) -> None:
    """Measure a model on a benchmark."""
    with model_half():
        from sightline.vlm import evals  # late: brings torch

        loaded = load(model, device)
        with _bar(show=True) as progress:
            results = evals.run(benchmark, loaded, progress)
    if as_json:
        _print_json(results)
        return
    for name, value in _flat(results):
        typer.echo(f"{name:<32} {value}")


@app.command()
def endpoint(
    models: Annotated[list[str] | None, typer.Argument(help=f"One or several; {DEFAULT_MODEL} by default.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on, 0 for a free one.", min=0, max=65535)] = DEFAULT_PORT,
    device: Device = "cpu",
) -> None:
    """Serve models over OpenAI-style HTTP; SIGHTLINE_ENDPOINT_KEY sets a key that callers must send."""
    with model_half():
        from sightline.vlm.endpoint import bind, serve  # late: brings torch

        key = os.environ.get("SIGHTLINE_ENDPOINT_KEY")
        listening = bind(host, port, key)
        served = {name: load(name, device) for name in models or [DEFAULT_MODEL]}
        serve(served, listening, key, lambda url: errors.print(f"{', '.join(served)} at {url}/v1 (Ctrl-C ends it)"))


def _options(**given: Any) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


def _captions(
    loaded: "Loaded", images: Sequence[str], prompt: str | None, options: dict[str, Any]
) -> list[dict[str, Any]]:
    """A caption or an error for each image."""
    from sightline.vlm.data.images import ImageError, read  # late: brings torch

    told: list[dict[str, Any]] = []
    pictures = []
    for image in images:
        try:
            pictures.append(read(image))
            told.append({"image": image})
        except ImageError as error:
            told.append({"image": image, "error": str(error)})
    answers = iter(loaded.caption(pictures, prompt, **options) if pictures else [])
    return [each if "error" in each else {**each, **_told(next(answers), "caption")} for each in told]


def _told(answer: "Answer", name: str = "answer") -> dict[str, Any]:
    return {
        name: answer.text,
        "tokens": list(answer.tokens),
        "logprobs": [round(each, 5) for each in answer.logprobs],
        "usage": {"input_tokens": answer.usage.input_tokens, "output_tokens": answer.usage.output_tokens},
        "finish": answer.finish,
        "trace_id": answer.trace_id,
        "looked": None if answer.looked is None else answer.looked.to_dict(),
    }


def _print_captions(told: list[dict[str, Any]], alone: bool) -> None:
    for each in told:
        if "error" in each:
            errors.print(f"error: {each['error']}", markup=False)
        else:
            typer.echo(each["caption"] if alone else f"{each['image']}: {each['caption']}")


def _write_sheet(answers: list["Answer"], picture: Any, path: Path) -> None:
    """The overlays of the first answer that has words."""
    looked = next((each.looked for each in answers if each.looked is not None and each.looked.words), None)
    if looked is None:
        raise SightlineVlmError("no answer has a word to show, so there is no picture of where the model looked")
    try:
        looked.sheet(picture).save(path)
    except (OSError, ValueError) as error:
        raise SightlineVlmError(f"cannot write {path}: {error} (give a name that ends in .png)") from error


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _flat(values: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, round(value, 4) if isinstance(value, float) else value


@contextmanager
def _bar(show: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Yields `progress(what, done, total)`: bars on stderr, when somebody looks at it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True, disable=not (show and errors.is_terminal)) as bars:
        tasks: dict[str, TaskID] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield progress
