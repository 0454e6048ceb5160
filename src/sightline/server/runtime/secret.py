"""Secrets of one installation: derived by HMAC from the configured one, or random bytes kept in the data folder."""

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

SECRET_BYTES = 32
"""256 bits."""


@dataclass(frozen=True)
class Secrets:
    """Secrets by name. Processes that share their stores must be given the same `shared`."""

    folder: Path
    shared: str | None = None

    def of(self, name: str) -> bytes:
        """The secret `name`, the same every time."""
        if self.shared:
            return hmac.digest(self.shared.encode(), name.encode(), hashlib.sha256)
        return installation_secret(self.folder, name)


def installation_secret(folder: Path, name: str) -> bytes:
    """The secret `name` of this data folder, made on first use (file mode 0600).

    Atomic: written to a draft, fsynced, and hard-linked into place, so concurrent starts agree and a crash leaves no
    half file.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{name}.secret"
    if not path.exists():
        draft = folder / f".{name}.{os.getpid()}.draft"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(handle, secrets.token_hex(SECRET_BYTES).encode())
            os.fsync(handle)
        finally:
            os.close(handle)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # Another process was first: its secret is the one.
        finally:
            draft.unlink()
    return bytes.fromhex(path.read_text())
