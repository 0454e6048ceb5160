"""Identifiers, lower-case hexadecimal: new ones are random."""

import hashlib
import secrets
from typing import Any

import orjson


def new_id() -> str:
    """128 random bits as 32 hex digits, for surrogate keys."""
    return secrets.token_hex(16)


def digest_of(*parts: Any) -> str:
    """A deterministic id, for natural keys: hex SHA-256 of the values as a JSON list, as JSON.stringify writes it."""
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()
