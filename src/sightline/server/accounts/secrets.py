"""Generating, hashing and verifying secrets: random tokens, peppered HMAC, Argon2id. No database."""

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import HashingError, InvalidHashError
from argon2.low_level import hash_secret

# OWASP's smallest recommended profile: 19 MiB, so that a burst of sign-ins cannot take the server's memory.
_PASSWORDS = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_WORKERS = ThreadPoolExecutor(2, thread_name_prefix="passwords")
"""A bounded pool: hashing takes CPU and memory on purpose."""
SALT_BYTES = 16
"""Of a password's salt, as RFC 9106 recommends."""


def new_token() -> str:
    """256 random bits for a session or a link, URL-safe."""
    return secrets.token_urlsafe(32)


def new_key_pair() -> tuple[str, str]:
    """A public and a secret API key, with the prefixes Langfuse's clients expect; the secret has 256 random bits."""
    return f"pk-lf-{secrets.token_hex(16)}", f"sk-lf-{secrets.token_hex(32)}"


def token_hash(token: str) -> str:
    """SHA-256 of a session or link token, as stored. 256 random bits need neither salt nor key stretching."""
    return hashlib.sha256(token.encode()).hexdigest()


def secret_hash(secret_key: str, pepper: bytes) -> str:
    """HMAC-SHA-256 of an API key's secret, as stored. Its key is the pepper, which lives outside the database."""
    return hmac.new(pepper, secret_key.encode(), hashlib.sha256).hexdigest()


def display(secret_key: str) -> str:
    """The secret, redacted to enough to recognise it by."""
    return f"{secret_key[:6]}...{secret_key[-4:]}"


async def password_hash(password: str, salt: bytes) -> str:
    """Argon2id, in a thread: it takes CPU and memory on purpose."""
    hashing = partial(_PASSWORDS.hash, password, salt=salt)
    return await asyncio.get_running_loop().run_in_executor(_WORKERS, hashing)


def salt_of(email: str, pepper: bytes) -> bytes:
    """The salt of every password at an e-mail address.

    One salt an address: however many accounts have it (none, or one of each of several organisations), a sign-in
    costs one hash, so its time tells nothing.
    """
    return hmac.new(pepper, b"password salt\0" + email.encode(), hashlib.sha256).digest()[:SALT_BYTES]


def has_salt(hashed: str, salt: bytes) -> bool:
    """Whether a stored hash was made with this salt; those of older versions have random ones."""
    return _head(hashed).endswith("$" + base64.b64encode(salt).decode().rstrip("="))


async def which_match(password: str, hashes: Sequence[str]) -> list[bool]:
    """Verify a password against hashes; none of them takes as long as one, so timing does not reveal an account."""
    return await asyncio.get_running_loop().run_in_executor(_WORKERS, _which, password, tuple(hashes))


def _which(password: str, hashes: Sequence[str]) -> list[bool]:
    heads = {_head(hashed): hashed for hashed in hashes} or {"": _hash_of_nobody()}
    made = {head: _rehashed(password, like) for head, like in heads.items()}
    return [bool(hashed) and hmac.compare_digest(made[_head(hashed)], hashed) for hashed in hashes]


def _head(hashed: str) -> str:
    """Parameters and salt of an encoded hash."""
    return hashed.rpartition("$")[0]


def _rehashed(password: str, like: str) -> str:
    """The password under the parameters and the salt of a stored hash; empty when that is no hash."""
    try:
        given = extract_parameters(like)
        salt = like.split("$")[-2]
        return hash_secret(
            password.encode(),
            base64.b64decode(salt + "=" * (-len(salt) % 4)),
            given.time_cost,
            given.memory_cost,
            given.parallelism,
            given.hash_len,
            given.type,
            given.version,
        ).decode()
    except (InvalidHashError, HashingError, ValueError):
        return ""


@cache
def _hash_of_nobody() -> str:
    """A dummy hash, to spend the same time on an unknown person."""
    return _PASSWORDS.hash(secrets.token_hex(32))
