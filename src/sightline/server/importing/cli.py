"""`sightline import langfuse`: a project of another Langfuse into this server, over both public APIs."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn, cast

import typer
from rich.console import Console

from sightline.server.importing.moving import count, move, project_of
from sightline.server.importing.parts import Crossing
from sightline.server.importing.records import GROUPS, Group, Place, Selection, Summary
from sightline.server.importing.showing import Bars, as_json, show
from sightline.server.importing.state import State, default_path
from sightline.server.importing.wire import Api, Unsettled
from sightline.server.runtime.errors import SightlineError

app = typer.Typer(
    name="import",
    help="Bring in what another platform holds.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

EXIT_INCOMPLETE, EXIT_USER_MISTAKE, EXIT_INTERRUPTED = 1, 2, 130
"""Exit codes: something was left out; bad usage; Ctrl-C, as shells use 130."""
HERE = "http://127.0.0.1:3000"
"""Default URL of the target."""


@app.callback()
def root() -> None:
    """Bring in what another platform holds."""


@app.command()
def langfuse(  # noqa: PLR0913, PLR0917 - one parameter for each option
    url: Annotated[str, typer.Option(envvar="SIGHTLINE_IMPORT_URL", help="Address of the Langfuse to read.")],
    public_key: Annotated[str, typer.Option(envvar="SIGHTLINE_IMPORT_PUBLIC_KEY", help="Public key there.")],
    secret_key: Annotated[
        str, typer.Option(envvar="SIGHTLINE_IMPORT_SECRET_KEY", help="Secret key there; better in the variable.")
    ],
    to_public_key: Annotated[
        str, typer.Option(envvar="SIGHTLINE_PUBLIC_KEY", help="Public key of the project here that receives.")
    ],
    to_secret_key: Annotated[str, typer.Option(envvar="SIGHTLINE_SECRET_KEY", help="Its secret key.")],
    to: Annotated[str, typer.Option(envvar="SIGHTLINE_URL", help="Address of the running Sightline.")] = HERE,
    project: Annotated[
        str | None, typer.Option(help="Id or name of the project to read: stops if the keys open another.")
    ] = None,
    only: Annotated[str, typer.Option(help=f"Some of {','.join(GROUPS)}; all by default.")] = "",
    since: Annotated[datetime | None, typer.Option(help="Traces, observations and scores from then on (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(help="And before then (UTC); now by default.")] = None,
    state: Annotated[
        Path | None, typer.Option(help="File that keeps how far it is; one of its own for each pair of projects.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what there is; write nothing.")] = False,
    as_document: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Pull a project: models, prompts, datasets, traces, scores, comments and media. Run again, it resumes."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    source = Place(url=url, public_key=public_key, secret_key=secret_key)
    target = Place(url=to, public_key=to_public_key, secret_key=to_secret_key)
    kept = None if dry_run else state or default_path(source, target)
    selection = Selection(only=_groups(only), since=_utc(since), until=_utc(until))
    summary = _imported((source, target), selection, kept, project, errors)
    if as_document:
        typer.echo(json.dumps(as_json(summary), ensure_ascii=False, indent=2))
    else:
        show(summary, Console(soft_wrap=True))
    if not summary.complete:
        raise typer.Exit(EXIT_INCOMPLETE)


def _imported(
    places: tuple[Place, Place], selection: Selection, kept: Path | None, project: str | None, errors: Console
) -> Summary:
    """The outcome, or an exit that says what to do."""
    if len({(place.url.rstrip("/"), place.public_key) for place in places}) == 1:
        _fail(errors, "source and target are the same project: name another with --to and its keys")
    try:
        return asyncio.run(_run(places, selection, kept, project, errors))
    except KeyboardInterrupt:
        errors.print(f"Interrupted. The same command goes on from {kept}.", markup=False)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    except Unsettled as problem:
        errors.print(f"error: {problem.message}. The same command goes on from {kept}.", markup=False)
        raise typer.Exit(EXIT_INCOMPLETE) from None
    except SightlineError as problem:
        _fail(errors, problem.message)


async def _run(
    places: tuple[Place, Place], selection: Selection, kept: Path | None, project: str | None, errors: Console
) -> Summary:
    bars = Bars(errors)
    async with Api(places[0]) as source, Api(places[1]) as target:
        crossing = Crossing(
            source=source,
            target=target,
            source_project=await project_of(source, project),
            target_project=await project_of(target),
            selection=selection,
            state=State(kept, selection),
        )
        with bars.progress:
            return await (move if kept else count)(crossing, bars)


def _groups(only: str) -> frozenset[Group]:
    names = [name.strip() for name in only.split(",") if name.strip()]
    unknown = sorted(set(names) - set(GROUPS))
    if unknown:
        raise typer.BadParameter(f"there are {', '.join(GROUPS)}; not {', '.join(unknown)}", param_hint="--only")
    return frozenset(cast("list[Group]", names) or GROUPS)


def _utc(moment: datetime | None) -> datetime | None:
    return moment and (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC))


def _fail(errors: Console, message: str) -> NoReturn:
    errors.print(f"error: {message}", markup=False)
    raise typer.Exit(EXIT_USER_MISTAKE)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
