"""New identifiers: random, lower-case hexadecimal."""

import secrets


def new_id() -> str:
    """128 random bits as 32 hex digits, for rows of ours."""
    return secrets.token_hex(16)
