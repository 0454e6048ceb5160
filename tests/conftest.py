"""Rules for every test: no network but loopback, and no telemetry or key of the developer's own."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

_LOOPBACK = {"127.0.0.1", "::1", "localhost", "0.0.0.0", None, ""}


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection or a look-up that would leave this machine fails at once, naming where it wanted to go."""
    connect = socket.socket.connect
    look_up = socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in _LOOPBACK:
            raise OSError(f"a test tried to reach {address[0]}:{address[1]}; tests stay on loopback")
        connect(self, address)

    def guarded_look_up(host: Any, *rest: Any, **options: Any) -> Any:
        if host not in _LOOPBACK:
            raise socket.gaierror(f"a test tried to look up {host!r}; tests stay on loopback")
        return look_up(host, *rest, **options)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_look_up)


@pytest.fixture(autouse=True, scope="session")
def interruptible() -> None:
    """Programs that tests start hear Ctrl-C even where a shell runs the tests in the background, deaf to it."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def clean_environment() -> Iterator[None]:
    """Nothing that this machine has set may reach a test."""
    kept = dict(os.environ)
    for name in list(os.environ):
        if name.startswith(("SIGHTLINE_", "LANGFUSE_", "OTEL_")):
            del os.environ[name]
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    yield
    os.environ.clear()
    os.environ.update(kept)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--golden-update` is for `make golden`; `--stack` says which stores the server's tests run on."""
    parser.addoption("--golden-update", action="store_true", help="rewrite the golden files instead of comparing")
    parser.addoption("--stack", choices=["embedded", "cluster"], default="embedded", help="stores of server tests")
