"""What every OTLP export over HTTP has in common: what its headers announce, how its body is read and answered."""

from dataclasses import dataclass

from fastapi import Request, Response
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import DecodeError, Message

from sightline.server.edges.bodies import read_body
from sightline.server.edges.large.texts import with_texts_mended
from sightline.server.edges.otlp_json import Export, parse_json, signal_of
from sightline.server.edges.services import Limits
from sightline.server.runtime.errors import InvalidRequest
from sightline.server.tracing.mapping import SdkInfo

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
NEWEST_INGESTION_VERSION = 4


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """A request's body and what its headers say about it."""

    body: bytes
    """Empty where it is too large to hold: it waits in a file then."""
    media_type: str
    encoding: str
    sdk: SdkInfo


async def envelope_of(request: Request, limits: Limits) -> Envelope:
    """With the body in memory: for signals that are never large."""
    return envelope(request, await read_body(request, limits.body_bytes))


def envelope(request: Request, body: bytes = b"") -> Envelope:
    """InvalidRequest for what cannot be read."""
    headers = request.headers
    version = headers.get("x-langfuse-ingestion-version", "")
    if version.isdecimal() and int(version) > NEWEST_INGESTION_VERSION:
        raise InvalidRequest(
            f"x-langfuse-ingestion-version is {version}; this server speaks up to {NEWEST_INGESTION_VERSION}"
        )
    media_type = headers.get("content-type", PROTOBUF).partition(";")[0].strip().lower()
    if media_type not in (PROTOBUF, "application/protobuf", JSON):
        raise InvalidRequest(f"Content-Type {media_type!r} is not OTLP: send {PROTOBUF} or {JSON}")
    return Envelope(
        body=body,
        media_type=JSON if media_type == JSON else PROTOBUF,
        encoding=headers.get("content-encoding", "").strip().lower(),
        sdk=SdkInfo(name=headers.get("x-langfuse-sdk-name"), version=headers.get("x-langfuse-sdk-version")),
    )


def parsed_export(media_type: str, body: bytes, export: Export) -> Export:
    """The given export, empty before, after what the body says.

    Protobuf that cannot be read is tried once more with its texts made UTF-8.
    """
    if media_type == JSON:
        return parse_json(body, export)
    try:
        export.ParseFromString(body)
    except DecodeError as problem:
        export.Clear()
        try:
            export.ParseFromString(with_texts_mended(body, export.DESCRIPTOR))
        except (DecodeError, InvalidRequest):
            raise InvalidRequest(
                f"the body ({len(body):,} bytes) is not an OTLP {signal_of(export)} export, or is cut off: {problem}"
            ) from problem
    return export


def answered(envelope: Envelope, answer: Message) -> Response:
    """In the form of the request, as OTLP wants; an empty protobuf answer has no bytes."""
    if envelope.media_type == JSON:
        return Response(MessageToJson(answer, indent=None), media_type=JSON)
    return Response(answer.SerializeToString(), media_type=PROTOBUF)
