"""The manifest of a skill (YAML front matter of SKILL.md), and which paths its files may have."""

import re
from pathlib import PurePosixPath
from typing import Any

import yaml

from sightline.server.runtime.errors import InvalidRequest
from sightline.server.skills.records import MANIFEST

FRONTMATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)
"""The YAML front matter of a Markdown file."""
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""A skill's name: words joined by hyphens."""
LONGEST_NAME, LONGEST_DESCRIPTION, LONGEST_PATH = 64, 1_024, 500
"""Characters of a name, a description and a path."""


def frontmatter_of(text: str) -> dict[str, Any]:
    """The YAML between the first two lines of dashes, with a name and a description; InvalidRequest says what lacks."""
    found = FRONTMATTER.match(text)
    if found is None:
        raise InvalidRequest(f"{MANIFEST} begins with YAML between two lines of ---: name and description at least")
    try:
        said = yaml.safe_load(found[1])
    except (yaml.YAMLError, ValueError) as problem:
        raise InvalidRequest(f"the YAML at the head of {MANIFEST} cannot be read: {problem}") from problem
    if not isinstance(said, dict):
        raise InvalidRequest(f"the YAML at the head of {MANIFEST} is an object: name and description at least")
    _check(said.get("name"), said.get("description"))
    return {str(key): value for key, value in said.items()}


def check_path(path: str) -> None:
    """InvalidRequest for a path that leaves the skill's folder (path traversal), on any operating system."""
    parts = PurePosixPath(path).parts
    plain = "/".join(parts) == path and not any(part in ("..", ".") for part in parts) and not path.startswith("/")
    if not plain or not path or len(path) > LONGEST_PATH or "\\" in path or ":" in path or not path.isprintable():
        raise InvalidRequest(f"path {path[:80]!r} is not one inside a folder: write it like scripts/run.py")


def _check(name: Any, description: Any) -> None:
    if not isinstance(name, str) or not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise InvalidRequest(
            f"name {str(name)[:80]!r} of {MANIFEST}: lower-case letters, digits and single hyphens, at most "
            f"{LONGEST_NAME} characters"
        )
    if not isinstance(description, str) or not 0 < len(description) <= LONGEST_DESCRIPTION:
        raise InvalidRequest(f"description of {MANIFEST}: a text of 1 to {LONGEST_DESCRIPTION} characters")
