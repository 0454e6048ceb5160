"""Secrets of one installation: random bytes kept in the data folder, readable by the owner only."""

import os
import secrets
from pathlib import Path

SECRET_BYTES = 32


def installation_secret(folder: Path, name: str) -> bytes:
    """The secret `name` of this data folder, made on first use (file mode 0600).

    Written beside and linked into place, so that two processes starting at once agree and a crash leaves no half file.
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
