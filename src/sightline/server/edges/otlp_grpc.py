"""OTLP over gRPC, what collectors speak by default: the same keys, bounds and way through as over HTTP.

Without TLS, as the HTTP port is: a proxy in front adds it. The three methods are served as streams of one message,
which is the same on the wire: a caller is known, and has its turn, before the message is taken from the connection.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import NoReturn, Protocol

import grpc
import structlog
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from sightline.server.accounts.permissions import Verb
from sightline.server.accounts.records import ProjectId
from sightline.server.edges.access import project_of
from sightline.server.edges.otlp import take_spans
from sightline.server.edges.otlp_logs import drop_metrics, take_logs
from sightline.server.edges.otlp_wire import PROTOBUF, Envelope
from sightline.server.edges.services import Services
from sightline.server.runtime.errors import InvalidRequest, SightlineError, TooBusy, out_of_means
from sightline.server.tracing.mapping import SdkInfo

log = structlog.get_logger()

Take = Callable[[Envelope, ProjectId, Services], Awaitable[Message]]
Metadata = Sequence[tuple[str, str | bytes]]

AT_ONCE = 16
"""Messages in memory; more wait on their connections."""
SERVICE = "opentelemetry.proto.collector.{}.v1.{}Service"
CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}
DETAILS = "grpc-status-details-bin"
RETRY_INFO = "google.rpc.retryinfo-bin"
"""Where some exporters look for the wait, beside the standard details."""


async def _metrics(envelope: Envelope, _: ProjectId, services: Services) -> Message:
    return await drop_metrics(envelope, services.limits)


VERB: Verb = "traces.write"
"""What each method needs, as the routes of OTLP over HTTP do."""
METHODS: Mapping[str, Take] = {
    SERVICE.format("trace", "Trace"): take_spans,
    SERVICE.format("logs", "Logs"): take_logs,
    SERVICE.format("metrics", "Metrics"): _metrics,
}


class Context(Protocol):
    """What a call offers its handler; grpcio has no types of its own."""

    def invocation_metadata(self) -> Metadata | None: ...

    def peer(self) -> str: ...

    async def abort(self, code: grpc.StatusCode, details: str, trailing_metadata: Metadata) -> NoReturn: ...


class GrpcListener:
    """`start()` and `stop()`; `port` is the one it listens on."""

    def __init__(self, services: Services, host: str, port: int) -> None:
        self._services = services
        self._address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._room = asyncio.Semaphore(AT_ONCE)
        self._server: grpc.aio.Server | None = None
        self.port = port

    async def start(self) -> None:
        options = (("grpc.max_receive_message_length", self._services.limits.inflated_bytes), ("grpc.so_reuseport", 0))
        server = grpc.aio.server(options=options)
        server.add_generic_rpc_handlers([self._handlers(service, take) for service, take in METHODS.items()])
        try:
            self.port = server.add_insecure_port(self._address)
        except RuntimeError as problem:
            raise InvalidRequest(
                f"cannot listen on {self._address} for gRPC ({problem}): choose another SIGHTLINE_OTLP_GRPC_PORT"
            ) from problem
        await server.start()
        self._server = server

    async def stop(self, within_s: float) -> None:
        """Calls in progress may end; new ones are told that the server is away, and come again."""
        if self._server is not None:
            await self._server.stop(within_s)

    def _handlers(self, service: str, take: Take) -> grpc.GenericRpcHandler:
        async def export(messages: AsyncIterator[bytes], context: Context) -> bytes:
            try:
                answer: bytes = (await self._taken(messages, context, take)).SerializeToString()
                return answer
            except SightlineError as problem:
                refusal = problem
            except Exception as problem:
                log.exception("an export over gRPC failed")
                failed = SightlineError("the export failed: the server's log says why")
                refusal = out_of_means(problem) or failed
            await _refuse(context, refusal)

        return grpc.method_handlers_generic_handler(service, {"Export": grpc.stream_unary_rpc_method_handler(export)})

    async def _taken(self, messages: AsyncIterator[bytes], context: Context, take: Take) -> Message:
        said = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
        who = await project_of(said.get("authorization", ""), self._services, VERB, context.peer())
        async with self._room:
            self._services.space.require()
            body = await anext(aiter(messages), b"")
            envelope = Envelope(
                body=body,
                media_type=PROTOBUF,
                encoding="",
                sdk=SdkInfo(name=said.get("x-langfuse-sdk-name"), version=said.get("x-langfuse-sdk-version")),
            )
            return await take(envelope, ProjectId(who.project_id), self._services)


async def _refuse(context: Context, problem: SightlineError) -> NoReturn:
    code = CODES.get(problem.status, grpc.StatusCode.INTERNAL)
    await context.abort(code, problem.message, _wait(code, problem) if isinstance(problem, TooBusy) else ())


def _wait(code: grpc.StatusCode, problem: TooBusy) -> Metadata:
    """Without it a sender takes RESOURCE_EXHAUSTED for final, and drops what it has."""
    retry = RetryInfo(retry_delay=Duration(seconds=problem.retry_after_s))
    packed = Any()
    packed.Pack(retry)
    status = Status(code=code.value[0], message=problem.message, details=[packed])
    return ((DETAILS, status.SerializeToString()), (RETRY_INFO, retry.SerializeToString()))
