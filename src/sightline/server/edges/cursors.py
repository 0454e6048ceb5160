"""Opaque cursors for keyset pagination: where a page ended, stable under concurrent inserts."""

import base64
import binascii
from datetime import datetime

import orjson

from sightline.server.edges.bodies import parsed
from sightline.server.edges.params import utc
from sightline.server.runtime.errors import InvalidRequest


def cursor_text(position: dict[str, str]) -> str:
    """Encode a position as an opaque cursor, safe in a URL."""
    return base64.urlsafe_b64encode(orjson.dumps(position)).decode().rstrip("=")


def cursor_position(cursor: str, *names: str) -> tuple[datetime, list[str]]:
    """Decode a cursor: the time under the first name, the ids under the others. InvalidRequest for a malformed one."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        position = parsed(base64.b64decode(padded, altchars=b"-_", validate=True))
        moment = utc(datetime.fromisoformat(position[names[0]]))
        return moment, [str(position[name]) for name in names[1:]]
    except (binascii.Error, orjson.JSONDecodeError, KeyError, TypeError, ValueError) as problem:
        raise InvalidRequest(
            f"cursor {cursor[:40]!r} is not one this server gave: take `meta.cursor` of the last page as it is"
        ) from problem
