"""Running the door on a port."""

from collections.abc import Mapping

import uvicorn

from sightline.vlm.config import SightlineVlmError
from sightline.vlm.endpoint.app import create_app
from sightline.vlm.loaded import Loaded

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class OpenDoorError(SightlineVlmError):
    """An endpoint that strangers could use without a key."""


def serve(models: Mapping[str, Loaded], host: str, port: int, key: str | None) -> None:
    """Serves until interrupted. Raises `OpenDoorError` for an address beyond this machine without a key."""
    if host not in LOOPBACK and not key:
        raise OpenDoorError(
            f"--host {host} is reachable from other machines: set SIGHTLINE_ENDPOINT_KEY to serve there"
        )
    uvicorn.run(create_app(models, key), host=host, port=port, log_level="warning", access_log=False)
