"""Servers of the campaign: started by fork on a folder, asked over HTTP, killed."""

import base64
import http.client
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.faults import shim
from benchmarks.machine import ROOT

KEYS = {
    "SIGHTLINE_INIT_ORG_ID": "lab",
    "SIGHTLINE_INIT_ORG_PUBLIC_KEY": "pk-lf-lab",
    "SIGHTLINE_INIT_ORG_SECRET_KEY": "sk-lf-lab",
    "SIGHTLINE_INIT_PROJECT_ID": "here",
    "SIGHTLINE_INIT_PROJECT_PUBLIC_KEY": "pk-lf-here",
    "SIGHTLINE_INIT_PROJECT_SECRET_KEY": "sk-lf-here",
    "SIGHTLINE_SHUTDOWN_TIMEOUT_S": "1",
}
STARTED = re.compile(r"^Sightline \S+ at http://127\.0\.0\.1:(\d+)$", re.MULTILINE)
PATIENCE_S = 60.0
UNANSWERED = 0
"""Status of a request whose connection broke."""


def basic(public: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{public}:{secret}".encode()).decode()}


PROJECT = basic("pk-lf-here", "sk-lf-here")
ORGANIZATION = basic("pk-lf-lab", "sk-lf-lab")


class Zygote:
    """The process that servers are forked from."""

    def __init__(self, library: Path | None) -> None:
        preload = {"LD_PRELOAD": str(library)} if library else {}
        environment = {**os.environ, **preload, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "src")))}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.faults.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def fork(self, order: Mapping[str, Any]) -> int:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        self._process.wait(30)


@dataclass
class Server:
    """One start on a folder. `is_up` is False when it refused to start, which `said` explains."""

    zygote: Zygote
    folder: Path
    log: Path
    page: shim.Page
    patches: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    descriptors: int | None = None
    pid: int = 0
    port: int = 0

    def start(self, *, until_up: bool = True) -> "Server":
        self.log.unlink(missing_ok=True)
        environment = {**KEYS, shim.VARIABLE: str(self.page.path)}
        self.pid = self.zygote.fork(
            {
                "folder": str(self.folder),
                "log": str(self.log),
                "environment": environment,
                "patches": list(self.patches),
                "settings": dict(self.settings),
                "descriptors": self.descriptors,
            }
        )
        until = time.monotonic() + (PATIENCE_S if until_up else 0)
        while time.monotonic() < until and self.is_alive():
            if found := STARTED.search(self.said()):
                self.port = int(found[1])
                return self
            time.sleep(0.01)
        if until_up:
            self.kill()
        return self

    @property
    def is_up(self) -> bool:
        return bool(self.port)

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def is_alive(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def open_files(self) -> int:
        return sum(1 for _ in Path(f"/proc/{self.pid}/fd").iterdir())

    def limit_files(self, count: int) -> None:
        hard = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (min(count, hard), hard))

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        try:
            os.kill(self.pid, how)
        except ProcessLookupError:
            return
        until = time.monotonic() + 20
        while self.is_alive() and time.monotonic() < until:
            time.sleep(0.005)
        if self.is_alive():
            os.kill(self.pid, signal.SIGKILL)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Mapping[str, Any] | None = None,
        headers: Mapping[str, str] = PROJECT,
    ) -> tuple[int, bytes]:
        """Status and body; UNANSWERED when the connection broke."""
        content = json.dumps(body).encode() if isinstance(body, Mapping) else body
        kind = {"Content-Type": "application/json"} if isinstance(body, Mapping) else {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=40)
        try:
            connection.request(method, path, content, {**headers, **kind})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return UNANSWERED, b""
        finally:
            connection.close()

    def read(self, path: str, headers: Mapping[str, str] = PROJECT) -> Any:
        """The JSON of an answer, None for 404; anything else is an error of the campaign."""
        status, body = self.ask("GET", path, headers=headers)
        if status == 404:
            return None
        if status != 200:
            raise ReadFailed(f"GET {path} answered {status}: {body[:200]!r}")
        return json.loads(body)


class ReadFailed(Exception):  # noqa: N818 - named for what happened
    """A read after the restart that was not answered."""
