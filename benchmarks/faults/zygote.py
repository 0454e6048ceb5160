"""Starts servers by fork: what takes a second to import is imported once. Run by the campaign, orders on stdin.

The engine's library has threads of its own once it is loaded, so each child loads it. An order is a JSON object of
`folder`, `log`, `environment` and `patches`; the answer is the process id. A patched server is the product with a fault
that lies in neither files nor descriptors: another clock, retention at once, several partitions in one insert.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.faults import shim
from sightline.server import app, cli
from sightline.server.exports import jobs
from sightline.server.exports.jobs import ExportRound
from sightline.server.runtime import clock
from sightline.server.settings import Settings
from sightline.server.upkeep.jobs import RetentionRound

OFTEN_S = 0.3
"""How often a patched server runs its jobs."""


def _clock(order: dict[str, Any]) -> None:
    page = shim.opened(order["environment"][shim.VARIABLE])
    system = clock._source[-1]
    clock._source.append(lambda: system() + timedelta(seconds=shim.offset_s(page)))


def _jobs(_: dict[str, Any]) -> None:
    RetentionRound.every_s = OFTEN_S
    ExportRound.every_s = OFTEN_S


def _partitions(_: dict[str, Any]) -> None:
    """Rows of every month go into one insert, which the engine's limit refuses."""
    for module in [each for name, each in sys.modules.items() if name.startswith("sightline.server")]:
        if hasattr(module, "partition_of"):
            module.partition_of = lambda _: ""


def _exports(order: dict[str, Any]) -> None:
    """Exports go to a folder beside the server's, up to now."""
    from obstore.store import LocalStore  # in the child: the library has threads

    folder = Path(order["folder"]).parent / "exported"
    jobs.LAG = timedelta(0)
    app.opened = lambda *_, **__: LocalStore(folder, mkdir=True)


PATCHES: dict[str, Callable[[dict[str, Any]], None]] = {
    "clock": _clock,
    "jobs": _jobs,
    "partitions": _partitions,
    "exports": _exports,
}


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _serve(order)
        print(pid, flush=True)


def _serve(order: dict[str, Any]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.update(order["environment"])
    code = 1
    try:
        for name in order["patches"]:
            PATCHES[name](order)
        if order.get("descriptors"):
            resource.setrlimit(resource.RLIMIT_NOFILE, (order["descriptors"], resource.RLIM_INFINITY))
        cli.run(Settings(data_dir=Path(order["folder"]), port=0, **order.get("settings", {})))
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
