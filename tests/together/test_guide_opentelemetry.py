"""The guide's page on OpenTelemetry: its program runs over HTTP and over gRPC, its lists are what the tables say."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from serving import served
from sightline.server.edges.otlp_grpc import CODES
from sightline.server.tracing.logs.agents import MEANINGS
from sightline.server.tracing.mapping.tables import DETAILS_EVENT, MESSAGE_EVENTS

PAGE = (Path(__file__).parents[2] / "docs/guide/opentelemetry.md").read_text()
KEYS = ("pk-lf-guide", "sk-lf-guide")
OVER_GRPC = {
    "otlp.proto.http.": "otlp.proto.grpc.",
    'f"{base}/v1/traces", headers=headers': "base, insecure=True, headers=headers",
    'f"{base}/v1/logs", headers=headers': "base, insecure=True, headers=headers",
    '"Authorization"': '"authorization"',
}


def program() -> str:
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    return str(code)


def program_over_grpc() -> str:
    code = program()
    for over_http, over_grpc in OVER_GRPC.items():
        assert over_http in code
        code = code.replace(over_http, over_grpc)
    return code


def run(code: str, address: str) -> None:
    told = {"LANGFUSE_BASE_URL": address, "LANGFUSE_PUBLIC_KEY": KEYS[0], "LANGFUSE_SECRET_KEY": KEYS[1]}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_program_of_the_page_sends_a_call_and_its_messages_either_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("SIGHTLINE_OTLP_GRPC_PORT", str(port))
    with served(tmp_path, KEYS) as address:
        run(program(), address)
        run(program_over_grpc(), f"http://127.0.0.1:{port}")
        found = httpx2.get(f"{address}/api/public/observations", auth=KEYS).json()["data"]
    assert [(each["type"], each["name"], each["model"]) for each in found] == [
        ("GENERATION", "chat a-model", "a-model")
    ] * 2
    for each in found:
        assert each["input"] == [{"role": "user", "content": "Which colour is the five?"}]
        assert each["output"][0]["content"] == "Blue."


def test_the_page_names_every_message_and_every_event_that_is_read() -> None:
    named = set(re.findall(r"`([\w.]+)`", PAGE))
    assert {*MESSAGE_EVENTS, DETAILS_EVENT, *MEANINGS} <= named
    told = {code.name for status, code in CODES.items() if status != 403}
    assert told <= named
