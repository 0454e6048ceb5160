"""The servers under measurement, each started on a fresh folder as its users start it, and what can be read of them."""

import base64
import contextlib
import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.machine import ROOT

PROJECT, PUBLIC_KEY, SECRET_KEY = "bench", "pk-lf-bench", "sk-lf-bench"


@dataclass
class Server:
    """One server process and its folder; `with` starts it and ends it."""

    name: str
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="bench-")))
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    start_s: float = 0.0

    traces_path = "/v1/traces"
    health_path = "/"

    def command(self) -> list[str]:
        raise LookupError(f"{self.name} has no command")

    def environment(self) -> dict[str, str]:
        return {}

    def headers(self) -> dict[str, str]:
        return {"content-type": "application/x-protobuf"}

    def stored(self) -> int:
        """How many spans the server's store holds."""
        raise LookupError(f"{self.name} cannot count")

    def __enter__(self) -> "Server":
        if self.port and _is_taken(self.port):
            raise SystemExit(f"{self.name} needs port {self.port}, where another program listens: end it first")
        self.port = self.port or _free_port()
        begun = time.perf_counter()
        log = (self.folder / "server.log").open("ab")
        self.process = subprocess.Popen(
            self.command(), env=_usual() | self.environment(), stdout=log, stderr=log, start_new_session=True
        )
        while not self._answers():
            if self.process.poll() is not None or time.perf_counter() - begun > 120:
                raise SystemExit(f"{self.name} did not start: see {self.folder / 'server.log'}")
            time.sleep(0.02)
        self.start_s = time.perf_counter() - begun
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(signal.SIGTERM)

    def stop(self, how: signal.Signals) -> None:
        """Signals the process group and waits for it to end."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, how)
            self.process.wait(30)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def rss_mb(self) -> float:
        """Resident memory of the process and all its children, MB."""
        return sum(_rss_kib(pid) for pid in _family(self.process.pid)) / 1000 if self.process else 0.0

    def cpu_s(self) -> float:
        """CPU seconds used so far by the process and its children."""
        ticks = os.sysconf("SC_CLK_TCK")
        return sum(_cpu_ticks(pid) for pid in _family(self.process.pid)) / ticks if self.process else 0.0

    def cpu_s_by_thread(self) -> Counter[str]:
        """CPU seconds used so far by the server's own process, by the names of its threads."""
        used: Counter[str] = Counter()
        for task in Path(f"/proc/{self.process.pid}/task").iterdir() if self.process else ():
            with contextlib.suppress(OSError):  # a thread that ended while we looked
                name, fields = (task / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
                used[name] += sum(map(int, fields.split()[11:13])) / os.sysconf("SC_CLK_TCK")
        return used

    def disk_bytes(self) -> int:
        """What the folder holds, the log aside."""
        total = 0
        for folder, _, names in os.walk(self.folder):
            for name in names:
                with contextlib.suppress(FileNotFoundError):  # a store may tidy up meanwhile
                    total += (Path(folder) / name).stat().st_size if name != "server.log" else 0
        return total

    def settled_disk_bytes(self, patience_s: float = 150) -> int:
        """The same once it no longer changes by a hundredth within 20 s, or patience ends."""
        begun, last = time.perf_counter(), self.disk_bytes()
        while time.perf_counter() - begun < patience_s:
            time.sleep(20)
            now = self.disk_bytes()
            if time.perf_counter() - begun > 70 and abs(now - last) * 100 <= last:
                return now
            last = now
        return last

    def _answers(self) -> bool:
        try:
            return self.get(self.health_path)[0] < 500
        except OSError:
            return False

    def get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers=self.headers())
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


class Sightline(Server):
    health_path = "/api/public/health"

    def command(self) -> list[str]:
        binary = str(Path(sys.executable).parent / "sightline")
        return [binary, "server", "--port", str(self.port), "--data-dir", str(self.folder / "data")]

    def environment(self) -> dict[str, str]:
        return {
            "SIGHTLINE_INIT_ORG_ID": PROJECT,
            "SIGHTLINE_INIT_PROJECT_ID": PROJECT,
            "SIGHTLINE_INIT_PROJECT_PUBLIC_KEY": PUBLIC_KEY,
            "SIGHTLINE_INIT_PROJECT_SECRET_KEY": SECRET_KEY,
        }

    def headers(self) -> dict[str, str]:
        secret = base64.b64encode(f"{PUBLIC_KEY}:{SECRET_KEY}".encode()).decode()
        return {"content-type": "application/x-protobuf", "authorization": f"Basic {secret}"}

    def stored(self) -> int:
        status, body = self.get("/api/public/observations?limit=1")
        if status != 200:
            raise SystemExit(f"counting observations answered {status}: {body[:300]!r}")
        return int(json.loads(body)["meta"]["totalItems"])


class Phoenix(Server):
    health_path = "/healthz"
    binary = ROOT / ".cache/peers/phoenix/bin/phoenix"

    def command(self) -> list[str]:
        if not self.binary.exists():
            raise SystemExit(
                "Phoenix is not installed: python3 -m venv .cache/peers/phoenix && "
                ".cache/peers/phoenix/bin/pip install arize-phoenix==20.26.1"
            )
        return [str(self.binary), "serve"]

    def environment(self) -> dict[str, str]:
        return {
            "PHOENIX_HOST": "127.0.0.1",
            "PHOENIX_PORT": str(self.port),
            "PHOENIX_GRPC_PORT": str(_free_port()),
            "PHOENIX_WORKING_DIR": str(self.folder),
            "PHOENIX_TELEMETRY_ENABLED": "false",
        }

    def stored(self) -> int:
        with sqlite3.connect(f"file:{self.folder / 'phoenix.db'}?mode=ro", uri=True, timeout=30) as database:
            return int(database.execute("SELECT count(*) FROM spans").fetchone()[0])


class MLflow(Server):
    health_path = "/health"
    binary = ROOT / ".cache/peers/mlflow/bin/mlflow"

    def command(self) -> list[str]:
        if not self.binary.exists():
            raise SystemExit(
                "MLflow is not installed: python3 -m venv .cache/peers/mlflow && "
                ".cache/peers/mlflow/bin/pip install mlflow==3.17.2"
            )
        store = f"sqlite:///{self.folder / 'mlflow.db'}"
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--backend-store-uri", store]
        return [str(self.binary), "server", *where, "--artifacts-destination", str(self.folder / "artifacts")]

    def environment(self) -> dict[str, str]:
        return {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}

    def headers(self) -> dict[str, str]:
        return {"content-type": "application/x-protobuf", "x-mlflow-experiment-id": "0"}

    def stored(self) -> int:
        with sqlite3.connect(f"file:{self.folder / 'mlflow.db'}?mode=ro", uri=True, timeout=30) as database:
            return int(database.execute("SELECT count(*) FROM spans").fetchone()[0])


def _usual() -> dict[str, str]:
    """This process's variables, but for one that keeps Python from reusing what it compiled, which no user sets."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _is_taken(port: int) -> bool:
    """Whether a program listens there already: it would be measured in the place of ours."""
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _family(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += [int(child) for child in task.read_text().split()]
            except OSError:
                continue  # a thread that ended while we looked
    return found


def _rss_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)


def _cpu_ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])
