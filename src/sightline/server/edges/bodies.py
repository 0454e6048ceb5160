"""Request bodies with size limits, as sent and after decompression (zip bombs), and JSON parsing."""

import zlib
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any, TypeVar

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError

from sightline.server.runtime.errors import InvalidRequest, TooLarge
from sightline.server.runtime.json_reading import NotJson, guarded

Shape = TypeVar("Shape")

BOUNDED_HERE = 2**62
"""`max_body_size` of routes that read through `read_body`: the framework's own limit must not answer first."""
GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
"""`wbits` that makes zlib detect either header."""
GZIP_MEMBER = 16 + zlib.MAX_WBITS
"""`wbits` for gzip alone: all that may come behind the end of a stream is another member."""
INFLATED_AT_ONCE = 1024 * 1024
"""Buffer of decompression."""
NUL, ESCAPED_NUL = "\0", b"\\u0000"
"""The character that PostgreSQL cannot store, and its JSON escape."""


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """The body as sent, chunked or not; TooLarge as soon as it passes the limit."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit_bytes:
        raise too_large(int(announced), limit_bytes)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit_bytes:
            raise too_large(size, limit_bytes)
        chunks.append(chunk)
    return b"".join(chunks)


def inflate(body: bytes, encoding: str, limit_bytes: int) -> bytes:
    """Decompress the body, holding at most the limit; TooLarge beyond it (zip bomb)."""
    if not known_encoding(encoding):
        return body
    return b"".join(inflated((body,), encoding, limit_bytes))


def inflated(blocks: Iterable[bytes], encoding: str, limit_bytes: int) -> Iterator[bytes]:
    """Decompress a stream, some of it at a time. TooLarge beyond the limit, InvalidRequest for what is no such stream.

    A gzip stream may have several members (RFC 1952), which are one text.
    """
    inflater = zlib.decompressobj(GZIP_OR_ZLIB)
    packed = size = 0
    for block in blocks:
        packed += len(block)
        rest, plain = block, b""
        while rest or (len(plain) == INFLATED_AT_ONCE and not inflater.eof):  # A full buffer may have more behind it.
            if inflater.eof:
                inflater = zlib.decompressobj(GZIP_MEMBER)
            try:
                plain = inflater.decompress(rest, INFLATED_AT_ONCE)
            except zlib.error as problem:
                raise InvalidRequest(f"the body is not valid {encoding}: {problem}") from problem
            rest = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            size += len(plain)
            if size > limit_bytes:
                raise inflated_too_large(packed, limit_bytes)
            yield plain
    if not inflater.eof:
        raise InvalidRequest(f"the {encoding} body is cut off after {packed:,} bytes")


def known_encoding(encoding: str) -> bool:
    """Whether the body has a content encoding; InvalidRequest for an unsupported one."""
    if encoding in ("", "identity"):
        return False
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise InvalidRequest(f"Content-Encoding {encoding!r} is not supported: send gzip, deflate or none")
    return True


def too_large(size: int, limit_bytes: int, setting: str = "SIGHTLINE_MAX_BODY_BYTES") -> TooLarge:
    return TooLarge(
        f"the body has at least {size:,} bytes, {limit_bytes:,} are allowed: send smaller batches, or raise {setting}"
    )


def inflated_too_large(packed: int, limit_bytes: int) -> TooLarge:
    return TooLarge(
        f"the body inflates to more than {limit_bytes:,} bytes from {packed:,}: send smaller batches, "
        "or raise SIGHTLINE_MAX_INFLATED_BYTES"
    )


def parsed(body: bytes) -> Any:
    """The body as JSON that can be kept and written back, as `guarded` says.

    `NotJson` for what is none, InvalidRequest for a text with a NUL too.
    """
    document = guarded(body)
    if ESCAPED_NUL in body and has_nul(document):
        raise InvalidRequest("a text of the request holds a NUL (\\u0000), which cannot be kept: leave it out")
    return document


def has_nul(document: Any) -> bool:
    """Whether any text or name of the document holds a NUL."""
    level = [document]
    while level:
        found = [inner for each in level for inner in _inside(each)]
        if any(isinstance(each, str) and NUL in each for each in (*level, *found)):
            return True
        level = [each for each in found if isinstance(each, dict | list)]
    return False


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else []


class PlainJson(APIRoute):
    """A route whose body the framework parses with `parsed` instead of `json.loads`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def with_plain_json(request: Request) -> Response:
            return await handler(_PlainRequest(request.scope, request.receive))

        return with_plain_json


class _PlainRequest(Request):
    async def json(self) -> Any:
        try:
            return parsed(await self.body())
        except InvalidRequest as problem:
            # The framework gives its own answer to every other exception here.
            raise HTTPException(problem.status, problem.message) from problem


async def read_json(request: Request, limit_bytes: int) -> Any:
    """The body as JSON that can be kept, as `parsed` says."""
    return json_of(await read_body(request, limit_bytes), parsed)


def json_of(body: bytes, read: Callable[[bytes], Any] = guarded) -> Any:
    """What the body says; InvalidRequest when it is not JSON."""
    try:
        return read(body)
    except NotJson as problem:
        raise InvalidRequest(f"the body is not JSON: {problem}") from problem


async def read_as(request: Request, limit_bytes: int, shape: Callable[[Any], Shape]) -> Shape:
    """The body as what `shape` makes of its JSON, e.g. `Body.model_validate`; what does not fit is the client's 400."""
    document = await read_json(request, limit_bytes)
    try:
        return shape(document)
    except ValidationError as problem:
        raise RequestValidationError(problem.errors()) from problem
