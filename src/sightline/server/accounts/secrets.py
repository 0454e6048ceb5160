"""Generating, hashing and verifying secrets: random tokens, peppered HMAC, Argon2id. No database."""

import asyncio
import hashlib
import hmac
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP's smallest recommended profile: 19 MiB, so that a burst of sign-ins cannot take the server's memory.
_PASSWORDS = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_WORKERS = ThreadPoolExecutor(2, thread_name_prefix="passwords")
"""A bounded pool: hashing takes CPU and memory on purpose."""


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


async def password_hash(password: str) -> str:
    """Argon2id, in a thread: it takes CPU and memory on purpose."""
    return await asyncio.get_running_loop().run_in_executor(_WORKERS, _PASSWORDS.hash, password)


async def password_matches(password: str, hashed: str | None) -> bool:
    """Verify a password. An unknown person takes as long, so timing does not reveal who has an account."""
    matches = await asyncio.get_running_loop().run_in_executor(_WORKERS, _verify, password, hashed)
    return matches and hashed is not None


def _verify(password: str, hashed: str | None) -> bool:
    try:
        return _PASSWORDS.verify(hashed or _hash_of_nobody(), password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hash_of_nobody() -> str:
    """A dummy hash that no password matches, to spend the same time on an unknown person."""
    return _PASSWORDS.hash(secrets.token_hex(32))
