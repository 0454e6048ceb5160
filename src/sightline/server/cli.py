"""`sightline server`: the platform in one process."""

import asyncio
import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryFile
from types import FrameType
from typing import Annotated, Any, NoReturn, cast

import typer
import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError
from starlette.datastructures import State

from sightline import __version__
from sightline.server.accounts.actions import Resetting
from sightline.server.accounts.actions.accounts import LINK_HOURS
from sightline.server.accounts.records import Seeded, User
from sightline.server.app import DATABASE_FILE, create_app, database_url
from sightline.server.edges.http_limits import HttpLimits, bounded
from sightline.server.edges.services import Services
from sightline.server.installation.records import FolderRefused
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import OUT_OF_MEANS, FolderInUse, SightlineError, Unavailable
from sightline.server.runtime.secret import SecretDamaged
from sightline.server.settings import Settings, listed
from sightline.server.tables import NewerSchema, check_schema
from sightline.server.tables.migration import HEAD

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
erasing = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
resetting = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

PRIVATE = 0o077
"""umask: what the server writes is for its owner alone."""
EXIT_USER_MISTAKE = 2
"""Exit code for bad settings or usage, as shells use 2."""
DOCTOR = "`sightline doctor`"
SETTLED_S = 1.0
"""Seconds between the start and `settle`: the first request should not wait for it."""
GARBAGE_THRESHOLDS = (20_000, 20, 20)
"""`gc.set_threshold`: allocations before a young collection, and young collections before an older one."""
FILES_OF_OUR_OWN = 1024
"""Open files left for databases, media and large bodies."""
NO_LIMIT = 2**31
"""Where the system has no limit of open files."""


class Server(uvicorn.Server):
    """uvicorn with graceful shutdown of SSE streams: it drains connections, and those never end by themselves."""

    def __init__(self, config: uvicorn.Config, application: FastAPI) -> None:
        super().__init__(config)
        self._application = application
        self._settling: asyncio.Task[None] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain; a second Ctrl-C does not wait. The signal is not raised again: parts still have to close."""
        del frame
        self._application.state.draining = True
        self._application.state.hub.close()
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._settling:
            self._settling.cancel()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say how to reach the server once it answers."""
        await super().startup(sockets)
        if self.started and sockets:
            state = self._application.state
            await announce(state, address_of(sockets[0], state.services.public_url))
            if state.grpc is not None:
                typer.echo(f"OTLP over gRPC on port {state.grpc.port}")
                sys.stdout.flush()
            self._settling = asyncio.create_task(settle(state.services))


def _print_settings(asked: bool) -> None:
    """Every knob with its default and its help."""
    if not asked:
        return
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f" [default: {field.default}]"
        typer.echo(f"SIGHTLINE_{name.upper()}{default}\n    {field.description}")
    raise typer.Exit


@app.command()
def server(
    host: Annotated[str | None, typer.Option(help="Address to listen on [default: 127.0.0.1].")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, 0 for a free one [default: 3000].")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder for everything kept [default: ./sightline-data].")
    ] = None,
    model_endpoint: Annotated[str | None, typer.Option(help="OpenAI-style endpoint behind the Ask page.")] = None,
    _: Annotated[
        bool, typer.Option("--settings", help="Print every SIGHTLINE_* variable and exit.", callback=_print_settings)
    ] = False,
) -> None:
    """Run the platform. Every knob, these included, is also a SIGHTLINE_* variable: --settings lists them."""
    run(_settings(host=host, port=port, data_dir=data_dir, model_endpoint_url=model_endpoint))


@erasing.command()
def erase(
    data_dir: Annotated[Path | None, typer.Option(help="Folder for everything kept.")] = None,
    person: Annotated[
        str | None, typer.Option(help="E-mail address of a person to erase: what they wrote stays, without their name.")
    ] = None,
    now: Annotated[
        bool, typer.Option("--now", help="Return once all that was ever deleted is off the disk, within two minutes.")
    ] = False,
) -> None:
    """Erase a person, or take what was deleted off the disk, while the server is stopped."""
    if person is None and not now:
        _fail("nothing to erase: give --person with an e-mail address, --now, or both")
    settings = _settings(data_dir=data_dir)
    _require_data(settings)
    _run(_erase(settings, person, now=now))
    typer.echo(" and ".join([*([f"{person} is erased"] if person else []), *(["off the disk"] if now else [])]))


async def _erase(settings: Settings, person: str | None, *, now: bool) -> None:
    application = create_app(settings)
    async with application.router.lifespan_context(application):
        services: Services = application.state.services
        if person is not None:
            await services.removal.person_at(person)
        if now:
            await services.erasing.now()


@resetting.command()
def reset_password(
    email: Annotated[str, typer.Argument(help="The person's e-mail address.")],
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the server's data [default: ./sightline-data].")
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(help="Where people reach the server [default: SIGHTLINE_PUBLIC_URL, else this machine's port]."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print a one-time link by which a person sets a new password. The server may be running meanwhile."""
    settings = _settings(data_dir=data_dir)
    reached = (address or settings.public_url or f"http://127.0.0.1:{settings.port}").rstrip("/")
    try:
        links = asyncio.run(_reset_links(settings, email))
    except SightlineError as problem:
        _fail(problem.message)
    found = [{"email": user.email, "name": user.name, "url": f"{reached}/link#token={token}"} for user, token in links]
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for each in found:
        typer.echo(f"New password for {each['email']} (once, within {LINK_HOURS} hours): {each['url']}")


def _require_data(settings: Settings) -> Path:
    """The data folder; fails where no server has kept anything, rather than begin a new one."""
    folder = settings.data_dir.expanduser().resolve()
    if settings.database_url is None and not (folder / DATABASE_FILE).exists():
        _fail(f"{folder} holds no data of a server: name its folder with --data-dir")
    return folder


async def _reset_links(settings: Settings, email: str) -> list[tuple[User, str]]:
    folder = _require_data(settings)
    url = database_url(settings, folder)
    if await check_schema(url) != HEAD:
        _fail("the data is of an older version of Sightline: start this version's server on it once, then try again")
    database = Database(url)
    try:
        return await Resetting(database).links(email)
    finally:
        await database.close()


def _settings(**given: Any) -> Settings:
    """The settings with what the command line gives; a mistake in them is one line and exit code 2."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as problem:
        _fail("; ".join(_complaint(error["loc"], error["msg"]) for error in problem.errors()))


def run(settings: Settings) -> None:
    """Serve until a signal; a user's mistake is one line on stderr and exit code 2."""
    os.umask(PRIVATE)
    _open(settings.data_dir)
    listener = _listen(settings.host, settings.port)
    try:
        _run(_serve(settings, listener))
    finally:
        listener.close()


def _run(work: Coroutine[Any, Any, None]) -> None:
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(work)
    except SightlineError as problem:
        mistake = problem.status < 500 or isinstance(problem, FolderInUse | FolderRefused | NewerSchema | SecretDamaged)
        _fail(problem.message, EXIT_USER_MISTAKE if mistake else 1)
    except OSError as problem:
        if problem.errno not in OUT_OF_MEANS:
            raise
        _fail(f"{problem.filename or 'data folder'}: {problem.strerror}; make room on its disk, or see {DOCTOR}", 1)


async def _serve(settings: Settings, listener: socket.socket) -> None:
    application = create_app(settings)
    config = uvicorn.Config(
        application,
        http=bounded(_http_limits(settings)),
        ws="none",
        # Ours, around the server: what goes wrong while parts open is then an error to print, not a traceback to log.
        lifespan="off",
        log_level=settings.log_level,
        access_log=False,
        server_header=False,
        # Ours instead (`edges.proxies`): uvicorn believes X-Forwarded-* of every peer on loopback.
        proxy_headers=False,
        timeout_keep_alive=settings.http_keep_alive_s,
        timeout_graceful_shutdown=settings.shutdown_timeout_s,
    )
    async with application.router.lifespan_context(application):
        await Server(config, application).serve(sockets=[listener])


def _http_limits(settings: Settings) -> HttpLimits:
    files = _most_open_files()
    return HttpLimits(
        head_bytes=settings.http_head_bytes,
        request_line_bytes=settings.http_request_line_bytes,
        headers=settings.http_headers,
        head_s=settings.http_head_s,
        silence_s=settings.http_silence_s,
        connections=min(settings.http_connections, max(files // 2, files - FILES_OF_OUR_OWN)),
        connections_per_address=settings.http_connections_per_address,
        uncounted=[ip_network(each) for each in listed(settings.trusted_proxies)],
    )


def _most_open_files() -> int:
    """The soft limit of open files (RLIMIT_NOFILE), raised to the hard one: a connection is a file too."""
    if sys.platform == "win32":
        return NO_LIMIT
    import resource  # late: it does not exist on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):  # macOS has a lower bound of its own than the hard limit says.
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    return NO_LIMIT if soft == resource.RLIM_INFINITY else soft


async def announce(state: State, address: str) -> None:
    """The address, a one-time sign-in link until somebody has a password and, if this start made it, a key pair."""
    services, seeded = cast("Services", state.services), cast("Seeded", state.seeded)
    typer.echo(f"Sightline {__version__} at {address}")
    with suppress(Unavailable):  # The server runs, and answers why it cannot write; a link is worth no start.
        if state.prints_link and seeded.user is not None and await services.accounts.awaits_password():
            token = await services.accounts.sign_in_link()
            typer.echo(f"Sign in as {seeded.user.email} (once): {address}/sign-in#token={token}")
    if seeded.created_key is not None and seeded.project is not None:
        typer.echo(f"Key pair of {seeded.project.name!r}, shown this once:")
        typer.echo(f"  LANGFUSE_BASE_URL={address}")
        typer.echo(f"  LANGFUSE_PUBLIC_KEY={seeded.created_key.key.public_key}")
        typer.echo(f"  LANGFUSE_SECRET_KEY={seeded.created_key.secret_key}")
    sys.stdout.flush()


async def settle(services: Services) -> None:
    """Freeze long-lived objects out of the garbage collector (`gc.freeze`): a full collection pauses every request.

    Young collections become rarer too: the objects of a batch of spans live until it is stored.
    """
    await asyncio.sleep(SETTLED_S)
    await services.prices.load()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def address_of(listener: socket.socket, public_url: str | None) -> str:
    """Where a person on this machine finds the server."""
    if public_url:
        return public_url.rstrip("/")
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as problem:
        listener.close()
        _fail(f"cannot listen on {host}:{port} ({problem.strerror or problem}): choose another with --port or --host")
    return listener


def _open(folder: Path) -> None:
    """The data folder, made if missing, or a sentence about why nothing can be kept there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as problem:
        _fail(f"cannot keep data in {folder} ({problem.strerror or problem}): choose another with --data-dir")


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # late: it does not exist on Windows

    return uvloop.new_event_loop


def _complaint(place: Sequence[int | str], message: str) -> str:
    name = ".".join(map(str, place))
    return f"{name}: {message}" if name else message.removeprefix("Value error, ")


def _fail(message: str, code: int = EXIT_USER_MISTAKE) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise SystemExit(code)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
