"""Commands about models themselves: models, evaluate, endpoint."""

import os
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from sightline.vlm.cli.shell import DEFAULT_MODEL, Device, Json, errors, load, model_half, print_json, progress_bar

DEFAULT_PORT = 8100
"""TCP port of `sightline endpoint`, unless `--port` names another."""


def list_models(as_json: Json = False) -> None:
    """List the models that can be loaded by name."""
    from sightline.vlm.weights.catalog import CATALOG  # late: other commands need no list

    if as_json:
        print_json({"models": [each.described(name) for name, each in CATALOG.items()]})
        return
    width = max(len(name) for name in CATALOG)
    for name, each in CATALOG.items():
        typer.echo(f"{name:<{width}}  {each.about} ({each.source})")


def evaluate(
    model: Annotated[str, typer.Argument(help="A name of `sightline models`, a hub id, or a folder.")],
    benchmark: Annotated[str, typer.Option(help="What to measure.")] = "digit-scenes",
    device: Device = "cpu",
    as_json: Json = False,
) -> None:
    """Measure a model on a benchmark."""
    with model_half():
        loaded = load(model, device)
        from sightline.vlm import evals  # late: brings torch

        with progress_bar(show=True) as progress:
            results = evals.run(benchmark, loaded, progress)
    if as_json:
        print_json(results)
        return
    for name, value in _flat(results):
        typer.echo(f"{name:<32} {value}")


def endpoint(
    models: Annotated[list[str] | None, typer.Argument(help=f"One or several; {DEFAULT_MODEL} by default.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on, 0 for a free one.", min=0, max=65535)] = DEFAULT_PORT,
    device: Device = "cpu",
) -> None:
    """Serve models over OpenAI-style HTTP; SIGHTLINE_ENDPOINT_KEY sets a key that callers must send."""
    from sightline.vlm.weights.catalog import check  # late, as above

    with model_half():
        for name in models or ():
            check(name)
        from sightline.vlm.endpoint import bind, serve  # late: brings torch

        key = os.environ.get("SIGHTLINE_ENDPOINT_KEY")
        listening = bind(host, port, key)
        served = {name: load(name, device) for name in models or [DEFAULT_MODEL]}
        serve(served, listening, key, lambda url: errors.print(f"{', '.join(served)} at {url}/v1 (Ctrl-C ends it)"))


def _flat(values: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, round(value, 4) if isinstance(value, float) else value
