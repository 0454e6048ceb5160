"""Running the door on a port."""

import socket
from collections.abc import Callable, Mapping

import uvicorn

from sightline.vlm.config import SightlineVlmError
from sightline.vlm.endpoint.app import create_app
from sightline.vlm.endpoint.bounds import CONNECTIONS, HEAD_BYTES, BoundedProtocol
from sightline.vlm.loaded import Loaded

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Hosts that only this machine reaches: they need no key."""


class OpenDoorError(SightlineVlmError):
    """An address that cannot be used, or that strangers could use without a key."""


def bind(host: str, port: int, key: str | None) -> socket.socket:
    """A listening socket; port 0 is a free one. Raises `OpenDoorError` beyond this machine without a key."""
    if host not in LOOPBACK and not key:
        raise OpenDoorError(
            f"--host {host} is reachable from other machines: set SIGHTLINE_ENDPOINT_KEY to serve there"
        )
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise OpenDoorError(f"cannot listen on {host}:{port} ({error.strerror}): choose another --port") from error


def serve(
    models: Mapping[str, Loaded], listening: socket.socket, key: str | None, announce: Callable[[str], None]
) -> None:
    """Serves on a bound socket until interrupted; `announce` hears the address."""
    host, port = listening.getsockname()[:2]
    announce(f"http://{f'[{host}]' if ':' in host else host}:{port}")
    config = uvicorn.Config(
        create_app(models, key),
        http=BoundedProtocol,
        ws="none",
        h11_max_incomplete_event_size=HEAD_BYTES,
        limit_concurrency=CONNECTIONS,
        log_level="warning",
        access_log=False,
    )
    uvicorn.Server(config).run(sockets=[listening])
