"""All SQL of skills."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.accounts.records import ProjectId
from sightline.server.runtime.clock import now
from sightline.server.runtime.rows import ProjectRows
from sightline.server.skills.records import Skill, SkillFile, SkillId
from sightline.server.tables.skills import skill_contents, skill_versions


class SkillStore(ProjectRows[Skill]):
    """Skills of one project, in one unit of work."""

    def __init__(self, connection: AsyncConnection, project_id: ProjectId) -> None:
        super().__init__(connection, skill_versions, project_id, _skill, _row)
        self._project_id = project_id

    async def versions(self, name: str) -> list[Skill]:
        """Newest first."""
        found = await self.every(skill_versions.c.name == name)
        return sorted(found, key=lambda skill: -skill.version)

    async def relabel(self, skill: Skill, labels: Collection[str]) -> None:
        await self._set(skill.id, labels=sorted(labels), updated_at=now())

    async def retag(self, skill_ids: Iterable[SkillId], tags: Collection[str]) -> None:
        for skill_id in skill_ids:
            await self._set(skill_id, tags=list(tags), updated_at=now())

    async def contents(self, hashes: Collection[str]) -> dict[str, str]:
        """Texts by hash; what is not here is left out."""
        mine = skill_contents.c.project_id == self._project_id, skill_contents.c.sha256_base64.in_(list(hashes))
        rows = await self.connection.execute(select(skill_contents).where(*mine))
        return {row.sha256_base64: row.content for row in rows}

    async def keep(self, contents: Mapping[str, str]) -> None:
        """Store contents by hash (content-addressed, deduplicated). Idempotent: ON CONFLICT DO NOTHING."""
        dialect = postgresql if self.connection.dialect.name == "postgresql" else sqlite
        for digest, content in contents.items():
            values = {"project_id": self._project_id, "sha256_base64": digest, "content": content, "created_at": now()}
            await self.connection.execute(dialect.insert(skill_contents).values(values).on_conflict_do_nothing())

    async def forget_unused(self, hashes: Collection[str]) -> None:
        """Garbage collection: delete those of these contents that no version refers to."""
        used = {file["sha256_base64"] for row in await self._files() for file in row}
        unused = set(hashes) - used
        mine = skill_contents.c.project_id == self._project_id, skill_contents.c.sha256_base64.in_(unused)
        await self.connection.execute(delete(skill_contents).where(*mine))

    async def _files(self) -> list[list[dict[str, Any]]]:
        rows = await self.connection.execute(select(skill_versions.c.files).where(self.mine))
        return [row.files for row in rows]

    async def _set(self, skill_id: SkillId, **values: Any) -> None:
        at = self.mine, skill_versions.c.id == skill_id
        await self.connection.execute(update(skill_versions).where(*at).values(**values))


def _skill(row: Mapping[str, Any]) -> Skill:
    lists = {"labels": tuple(row["labels"]), "tags": tuple(row["tags"])}
    return Skill(**{**row, **lists, "files": tuple(SkillFile(**file) for file in row["files"])})


def _row(skill: Skill) -> Mapping[str, Any]:
    lists = {"labels": list(skill.labels), "tags": list(skill.tags), "frontmatter": dict(skill.frontmatter)}
    return vars(skill) | lists | {"files": [vars(file) for file in skill.files]}
