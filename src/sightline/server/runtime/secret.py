"""Secrets of one installation: derived by HMAC from the configured one, or random bytes kept in the data folder."""

import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from sightline.server.runtime.errors import Unavailable

SECRET_BYTES = 32
"""256 bits."""
WRITTEN = re.compile(rf"[0-9a-f]{{{2 * SECRET_BYTES}}}\s*")
"""A secret in its file: hexadecimal."""
DEPENDS = {
    "pepper": "no API key works with another",
    "seal": "no stored credential of another system can be opened with another",
    "signing": "media addresses signed before end with another",
}
"""What depends on a secret."""


class SecretDamaged(Unavailable):
    """The file of a secret is empty or cut; the message says what depends on it and the way out."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(
            f"{path} is {'damaged' if path.stat().st_size else 'empty'}, and {DEPENDS.get(name, 'it is needed')}: "
            f"bring it back from a backup, or have a new one by `sightline rotate-secret {name}`"
        )


@dataclass(frozen=True)
class Secrets:
    """Secrets by name. Processes that share their stores must be given the same `shared`."""

    folder: Path
    shared: str | None = None

    def of(self, name: str) -> bytes:
        """The secret `name`, the same every time. SecretDamaged when its file is."""
        if self.shared:
            return hmac.digest(self.shared.encode(), name.encode(), hashlib.sha256)
        return installation_secret(self.folder, name)

    def path_of(self, name: str) -> Path:
        return self.folder / f"{name}.secret"

    def is_there(self, name: str) -> bool:
        return bool(self.shared) or self.path_of(name).exists()

    def is_damaged(self, name: str) -> bool:
        """Whether there is a file without a secret in it."""
        path = self.path_of(name)
        return not self.shared and path.exists() and not WRITTEN.fullmatch(_text(path))

    def renew_if_damaged(self, name: str) -> Path | None:
        """Its path when it had to be made anew."""
        if not self.is_damaged(name):
            return None
        self.rotate(name)
        return self.path_of(name)

    def rotate(self, name: str) -> None:
        """Make it anew, in one step: there is no moment without."""
        _draft(self.folder, name).replace(self.path_of(name))

    def prepare(self, name: str) -> Path:
        """Keep a new secret beside the old one, to be moved over it once what depends on it has followed."""
        path = self.next_of(name)
        if not path.exists() or not WRITTEN.fullmatch(_text(path)):
            _draft(self.folder, name).replace(path)
        return path

    def next_of(self, name: str) -> Path:
        return self.folder / f"{name}.secret.next"

    def read(self, path: Path) -> bytes:
        return bytes.fromhex(_text(path))


def installation_secret(folder: Path, name: str) -> bytes:
    """The secret `name` of this data folder, made on first use (file mode 0600).

    Atomic: written to a draft, fsynced, and hard-linked into place, so concurrent starts agree and a crash leaves no
    half file.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{name}.secret"
    if not path.exists():
        draft = _draft(folder, name)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # Another process was first: its secret is the one.
        finally:
            draft.unlink()
    text = _text(path)
    if not WRITTEN.fullmatch(text):
        raise SecretDamaged(path, name)
    return bytes.fromhex(text)


def _draft(folder: Path, name: str) -> Path:
    """A new secret in a file of its own, durable (fsync)."""
    draft = folder / f".{name}.{os.getpid()}.draft"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, secrets.token_hex(SECRET_BYTES).encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    return draft


def _text(path: Path) -> str:
    return path.read_text(errors="replace")
