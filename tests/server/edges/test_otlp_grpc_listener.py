"""The gRPC listener as a part of the server: off unless asked, on a port of its own, nothing lost at the stop."""

import socket
from collections.abc import Callable

import pytest

from server.edges.grpc_calls import call
from server.edges.running_site import one_span, opened
from sightline.server.app import create_app
from sightline.server.runtime.errors import InvalidRequest
from sightline.server.settings import Settings


async def test_nobody_listens_unless_asked(fresh_settings: Callable[..., Settings]):
    async with opened(fresh_settings()) as quiet:
        assert quiet.app.state.grpc is None


async def test_a_port_that_is_taken_is_said_by_name(fresh_settings: Callable[..., Settings]):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        app = create_app(fresh_settings(otlp_grpc_port=taken.getsockname()[1]))
        with pytest.raises(InvalidRequest, match="SIGHTLINE_OTLP_GRPC_PORT"):
            async with app.router.lifespan_context(app):
                pass


async def test_a_stopped_server_has_stored_what_it_took(fresh_settings: Callable[..., Settings]):
    settings = fresh_settings(otlp_grpc_port=0)
    spans, sent = one_span()
    async with opened(settings) as before:
        await call(before, spans.SerializeToString())
    async with opened(settings) as after:
        assert (await after.get(f"/observations/{sent.span_id}"))["name"] == "work"
