"""Encryption at rest for credentials of other systems: a leaked database alone does not reveal them."""

import base64
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sightline.server.runtime.errors import SightlineError

NONCE_BYTES = 12
"""The nonce size that GCM is specified for."""


class SealBroken(SightlineError):  # noqa: N818 - named like the rest of its family
    """Decryption failed: another key, or another place (associated data)."""


class Seal:
    """AES-256-GCM (AEAD) with the installation's key; the place is associated data: ciphertexts cannot be swapped."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def close(self, text: str, place: str) -> str:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), place.encode())).decode()

    def open(self, sealed: str, place: str) -> str:
        content = base64.b64decode(sealed)
        try:
            return self._cipher.decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], place.encode()).decode()
        except InvalidTag as problem:
            raise SealBroken(
                f"a secret of {place} cannot be opened: the data folder's seal.secret is not the one it was kept with"
            ) from problem
