"""A server in a process of its own, as users start it, for tests that must cross the wire."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def served(folder: Path, keys: tuple[str, str], **seeded: str) -> Iterator[str]:
    """The address of a server on a free port with one project under `keys`; it must end well when told to.

    `seeded` are more of the variables that a fresh installation starts with, without `SIGHTLINE_INIT_` and in lower
    case: `project_id="vision"`.
    """
    public_key, secret_key = keys
    first = {"org_id": "lab", "project_public_key": public_key, "project_secret_key": secret_key, **seeded}
    process = subprocess.Popen(
        [sys.executable, "-m", "sightline.server.cli", "--port", "0", "--data-dir", str(folder)],
        env={**os.environ, **{f"SIGHTLINE_INIT_{name.upper()}": value for name, value in first.items()}},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    address = re.search(r"http://\S+", process.stdout.readline())
    assert address, "the server did not start"
    try:
        yield address.group()
    finally:
        process.terminate()
        ended = process.wait(120)
        process.stdout.close()
    assert ended == 0
