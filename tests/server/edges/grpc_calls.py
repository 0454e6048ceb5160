"""A call over gRPC, as any client makes it."""

from typing import Any

import grpc

from server.edges.running_site import HERE, Site

METHOD = "/opentelemetry.proto.collector.{}.v1.{}Service/Export"
TRACES, LOGS, METRICS = (METHOD.format(name, name.capitalize()) for name in ("trace", "logs", "metrics"))


def target(site: Site) -> str:
    return f"127.0.0.1:{site.app.state.grpc.port}"


async def call(site: Site, body: bytes, method: str = TRACES, headers: dict[str, str] = HERE, **how: Any) -> bytes:
    metadata = [(key.lower(), value) for key, value in headers.items()]
    async with grpc.aio.insecure_channel(target(site)) as channel:
        answer: bytes = await channel.unary_unary(method)(body, metadata=metadata, timeout=20, **how)
        return answer
