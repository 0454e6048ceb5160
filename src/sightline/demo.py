"""`sightline demo`: the platform and the tiny model side by side on this machine, with first questions asked for you.

Two processes, as a user would run them: `sightline server` and `sightline endpoint`, the second exporting its spans to
the first by the standard OTEL_* variables. Ctrl-C, or the end of either, ends both.
"""

import base64
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console

MODEL = "sightline-tiny"
PROJECT = "demo"
PERSON = "you@localhost"
"""Signs in by the printed link until they set a password."""
FIRST_SCENES = 3
"""Held-out scenes that the model is asked about at the start, so that the list of traces has something to show."""
_LINK = re.compile(r"https?://\S+/sign-in#token=\S+")
_say = Console(stderr=True)


class DemoError(Exception):
    """A part of the demo that did not start or ended early; the message says what to do."""


@dataclass(frozen=True)
class Keys:
    """The demo project's key pair, made once and kept in the data folder."""

    public: str
    secret: str

    @classmethod
    def kept_in(cls, folder: Path) -> "Keys":
        """Those of an earlier demo in this folder, or new ones."""
        file = folder / "demo.json"
        if file.exists():
            return cls(**json.loads(file.read_text()))
        keys = cls(f"pk-lf-{secrets.token_hex(8)}", f"sk-lf-{secrets.token_hex(24)}")
        folder.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(json.dumps(asdict(keys)))
        return keys

    @property
    def authorization(self) -> str:
        """HTTP Basic, as Langfuse's exporters send it."""
        return "Basic " + base64.b64encode(f"{self.public}:{self.secret}".encode()).decode()


@dataclass
class Part:
    """One process of the demo and the file that has what it printed."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Raises when the process has ended, with the last of what it said."""
        if self.process.poll() is not None:
            last = "\n".join(self.log.read_text(errors="replace").splitlines()[-8:])
            raise DemoError(f"the {self.name} ended with exit code {self.process.returncode}:\n{last}")


@contextmanager
def running(name: str, arguments: list[str], environment: dict[str, str]) -> Iterator[Part]:
    """`sightline NAME ARGUMENTS…` as a process of its own, ended (SIGTERM first) on the way out."""
    log = Path(tempfile.mkdtemp(prefix="sightline-demo-")) / f"{name}.log"
    command = [sys.executable, "-m", "sightline.cli", name, *arguments]
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, env={**os.environ, **environment}, stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield Part(name, process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def demo(
    port: Annotated[int, typer.Option(help="Port of the page; the next free one where it is taken.")] = 3000,
    data_dir: Annotated[Path | None, typer.Option(help="Where traces are kept: ~/.local/share/sightline/demo.")] = None,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
) -> None:
    """Start the platform with the tiny model answering about real images, traces live on a page."""
    folder = data_dir or Path.home() / ".local/share/sightline/demo"
    keys = Keys.kept_in(folder)
    page_port = free_port(port)
    page, endpoint = f"http://127.0.0.1:{page_port}", f"http://127.0.0.1:{(model_port := free_port(page_port + 1))}"
    server_part = running(
        "server",
        ["--port", str(page_port), "--data-dir", str(folder)],
        {**_seed(keys), "SIGHTLINE_MODEL_ENDPOINT_URL": endpoint},
    )
    endpoint_part = running("endpoint", ["--port", str(model_port), MODEL], _export_to(page, keys))
    try:
        with server_part as server, endpoint_part as model:
            link = _start(page, endpoint, server, model)
            _tell(link, page, keys, folder)
            if open_page and sys.stdout.isatty():
                webbrowser.open(link or page)
            _until_interrupted(server, model)
    except DemoError as error:
        _say.print(f"[red]{error}[/red]")
        raise typer.Exit(1) from error


def _start(page: str, endpoint: str, server: Part, model: Part) -> str | None:
    """Waits for both parts and asks the first questions; gives the sign-in link, unless somebody has a password."""
    with _say.status("Starting the platform …") as status:
        wait_for(f"{page}/api/public/health", server)
        status.update("Loading the model …")
        wait_for(f"{endpoint}/v1/models", model)
        status.update("Asking it about handwriting it has never seen …")
        asked = ask_first_questions(endpoint)
    _say.print(f"[green]✓[/green] {MODEL} answered {asked} questions about held-out handwriting; the traces are there.")
    link = _LINK.search(server.log.read_text(errors="replace"))
    return link.group() if link else None


def ask_first_questions(endpoint: str) -> int:
    """Asks the model's own suggestions about its first samples, with the careful map; how many were asked."""
    asked = 0
    import httpx2  # late: takes a tenth of a second, which every other command would pay

    with httpx2.Client(base_url=endpoint, timeout=60) as client:
        for sample in client.get("/v1/samples").raise_for_status().json()["data"][:FIRST_SCENES]:
            image = base64.b64encode(client.get(f"/v1/samples/{sample['id']}").raise_for_status().content).decode()
            for question in [None, *sample["suggestions"][:2]]:
                body = _chat(f"data:image/png;base64,{image}", question)
                client.post("/v1/chat/completions", json=body).raise_for_status()
                asked += 1
    return asked


def _chat(image: str, question: str | None) -> dict[str, Any]:
    """A chat-completions request about one image; without a question, for a caption."""
    parts: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": image}}]
    if question:
        parts.append({"type": "text", "text": question})
    return {"model": MODEL, "messages": [{"role": "user", "content": parts}], "sightline": {"looked": "gradient"}}


def _tell(link: str | None, page: str, keys: Keys, folder: Path) -> None:
    """Where to go now; on stdout, for a person or a script."""
    hint = (
        f"(signs you in once; then {page} is enough)"
        if link
        else f"(as {PERSON}; forgotten the password: sightline reset-password {PERSON} --data-dir {folder})"
    )
    typer.echo(
        f"\n  Open  {link or page}\n        {hint}\n\n"
        f"  Send your own traces:\n"
        f"    export LANGFUSE_BASE_URL={page} LANGFUSE_PUBLIC_KEY={keys.public} LANGFUSE_SECRET_KEY={keys.secret}\n\n"
        f"  Ctrl-C ends it.\n"
    )


def _until_interrupted(*parts: Part) -> None:
    """Waits for Ctrl-C or SIGTERM; raises when a part ends by itself."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while True:
            for part in parts:
                part.check()
            time.sleep(0.5)
    except KeyboardInterrupt:
        _say.print("Stopping …")


def wait_for(address: str, part: Part, timeout_s: float = 90) -> None:
    """Until `address` answers 200; raises when its process ends or time runs out."""
    import httpx2  # late, as above

    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        part.check()
        try:
            if httpx2.get(address, timeout=5).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.1)
    raise DemoError(f"the {part.name} did not answer at {address} within {timeout_s:.0f} s: see {part.log}")


def free_port(wanted: int) -> int:
    """`wanted`, or the next port above it that nothing listens on."""
    for port in range(wanted, min(wanted + 100, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise typer.BadParameter(f"no free port from {wanted} to {wanted + 99}: choose another with --port")


def _seed(keys: Keys) -> dict[str, str]:
    """The demo's organisation, project, person and keys; the server makes them once."""
    return {
        "SIGHTLINE_INIT_ORG_ID": PROJECT,
        "SIGHTLINE_INIT_ORG_NAME": "Demo",
        "SIGHTLINE_INIT_PROJECT_ID": PROJECT,
        "SIGHTLINE_INIT_PROJECT_NAME": "Handwritten scenes",
        "SIGHTLINE_INIT_PROJECT_PUBLIC_KEY": keys.public,
        "SIGHTLINE_INIT_PROJECT_SECRET_KEY": keys.secret,
        "SIGHTLINE_INIT_USER_EMAIL": PERSON,
        "SIGHTLINE_INIT_USER_NAME": "You",
    }


def _export_to(page: str, keys: Keys) -> dict[str, str]:
    """Where the model's spans go, in OpenTelemetry's own variables."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"{page}/api/public/otel",
        "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization={quote(keys.authorization)}",
        "OTEL_SERVICE_NAME": "sightline-demo",
    }
