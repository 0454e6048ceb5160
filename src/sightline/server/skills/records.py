"""A skill in its versions, and the files each is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NewType

from sightline.server.accounts.records import ProjectId

SkillId = NewType("SkillId", str)

LATEST = "latest"
"""The label of the newest version; the server moves it."""
PRODUCTION = "production"
"""The label that is meant where none is named."""
MANIFEST = "SKILL.md"
"""The file that says what the skill is called and what it is for."""


@dataclass(frozen=True, kw_only=True)
class NewFile:
    """A file of a new version: its text, or the hash of a stored one (dedup: unchanged files need no upload)."""

    path: str
    content: str | None = None
    sha256_base64: str | None = None


@dataclass(frozen=True, kw_only=True)
class SkillFile:
    id: str
    path: str
    sha256_base64: str
    content_type: str
    content_length: int
    """In bytes."""


@dataclass(frozen=True, kw_only=True)
class Skill:
    """One version."""

    id: SkillId
    project_id: ProjectId
    name: str
    version: int
    description: str
    frontmatter: Mapping[str, Any]
    labels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    """Shared by all versions."""
    files: tuple[SkillFile, ...] = ()
    commit_message: str | None = None
    created_by: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class SkillSummary:
    """A skill by its newest version."""

    latest: Skill
    production_version: int | None


@dataclass(frozen=True, kw_only=True)
class SkillQuery:
    name: str | None = None
    search: str | None = None
    """Anywhere in names and descriptions, in any case."""
    tag: str | None = None
    updated_from: datetime | None = None
    updated_before: datetime | None = None
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True, kw_only=True)
class SkillDraft:
    files: Sequence[NewFile]
    commit_message: str | None = None
    created_by: str = field(default="API")
