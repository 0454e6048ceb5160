"""The one command. It opens a half of the product only when a command of that half runs."""

import errno
import sys
from contextlib import suppress
from typing import Annotated

import typer

from sightline import __version__
from sightline.demo import demo
from sightline.vlm import cli as vlm
from sightline.vlm.config import SightlineVlmError

app = typer.Typer(
    name="sightline",
    help="Build, run and improve vision-language models.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(vlm.app)
app.command()(demo)

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a place that takes no more."""

FORWARDED = {"allow_extra_args": True, "ignore_unknown_options": True}


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def root(
    _: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    """Build, run and improve vision-language models."""


@app.command(context_settings=FORWARDED, add_help_option=False)
def server(context: typer.Context) -> None:
    """Run the platform: traces, scores, live pages (see `sightline server --help`)."""
    from sightline.server.cli import app as server_app  # late: the analytics engine takes a second to import

    server_app(args=context.args, prog_name="sightline server")


@app.command(context_settings=FORWARDED, add_help_option=False)
def doctor(context: typer.Context) -> None:
    """List what is wrong in the platform's data folder, and mend it (see `sightline doctor --help`)."""
    from sightline.server.installation.cli import doctor_app  # late: only this command needs it

    doctor_app(args=context.args, prog_name="sightline doctor")


@app.command("rotate-secret", context_settings=FORWARDED, add_help_option=False)
def rotate_secret(context: typer.Context) -> None:
    """Make a secret of the platform's data folder anew (see `sightline rotate-secret --help`)."""
    from sightline.server.installation.cli import rotate_app  # late: only this command needs it

    rotate_app(args=context.args, prog_name="sightline rotate-secret")


@app.command("import", context_settings=FORWARDED, add_help_option=False)
def import_(context: typer.Context) -> None:
    """Bring in a project of another Langfuse (see `sightline import langfuse --help`)."""
    from sightline.server.importing.cli import app as import_app  # late: only this command speaks HTTP as a client

    import_app(args=context.args, prog_name="sightline import")


def main(arguments: list[str] | None = None) -> None:
    """Runs a command line; a user's mistake is one line on stderr and exit code 2, a full disk exit code 1."""
    try:
        app(args=arguments)
    except SightlineVlmError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except OSError as error:
        if error.errno not in FULL:
            raise
        typer.echo(f"error: cannot write {error.filename or 'what comes out'}: {error.strerror}", err=True)
        with suppress(OSError):
            sys.stdout.close()  # what is left in it cannot be written, and must not be tried again on the way out
        sys.exit(1)


if __name__ == "__main__":
    main()
