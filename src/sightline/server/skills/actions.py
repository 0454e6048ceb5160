"""What can be done with skills, one verb a method; every method is scoped to the project it is given."""

import base64
import hashlib
import mimetypes
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import orjson

from sightline.server.accounts import audit
from sightline.server.accounts.labels import check_move, record_move
from sightline.server.accounts.records import ProjectId
from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import InvalidRequest, NotFound
from sightline.server.runtime.hub import LiveHub
from sightline.server.runtime.ids import new_id
from sightline.server.skills.manifest import check_path, frontmatter_of
from sightline.server.skills.records import (
    LATEST,
    MANIFEST,
    PRODUCTION,
    NewFile,
    Skill,
    SkillDraft,
    SkillFile,
    SkillId,
    SkillQuery,
    SkillSummary,
)
from sightline.server.skills.store import SkillStore

TEXT = "text/plain"
"""Content type of every file of a skill."""


class Skills:
    def __init__(self, database: Database, hub: LiveHub) -> None:
        self._database = database
        self._hub = hub

    async def create(self, project_id: ProjectId, draft: SkillDraft) -> Skill:
        """Append a version to the skill that its manifest names. InvalidRequest for an invalid manifest or path."""
        _check_paths(draft.files)
        async with self._database.work() as work:
            store = SkillStore(work.connection, project_id)
            contents = await _contents(store, draft.files)
            manifest = next((text for file, text in contents if file.path == MANIFEST), None)
            if manifest is None:
                raise InvalidRequest(f"a skill has a {MANIFEST}, which says what it is called and what it is for")
            said = frontmatter_of(manifest)
            versions = await store.versions(said["name"])
            skill = Skill(
                id=SkillId(new_id()),
                project_id=project_id,
                name=said["name"],
                version=versions[0].version + 1 if versions else 1,
                description=said["description"],
                frontmatter=orjson.loads(orjson.dumps(said, default=str, option=orjson.OPT_NON_STR_KEYS)),
                tags=versions[0].tags if versions else (),
                files=tuple(_file(file.path, text) for file, text in contents),
                commit_message=draft.commit_message,
                created_by=draft.created_by,
                created_at=now(),
                updated_at=now(),
            )
            await store.keep({sha256_base64(text): text for _, text in contents})
            await store.add(skill)
            work.after_commit(lambda: self._hub.publish(project_id, "skills"))
        return replace(skill, labels=(LATEST,))

    async def get(
        self, project_id: ProjectId, name: str, version: int | None = None, label: str | None = None
    ) -> Skill:
        """One version, by default the one labelled `production`."""
        if version is not None and label is not None:
            raise InvalidRequest(f"version {version} and label {label!r} are both given: ask for one of them")
        async with self._database.reading() as connection:
            versions = _labelled(await SkillStore(connection, project_id).versions(name))
        wanted = label or PRODUCTION
        for skill in versions:
            if skill.version == version or (version is None and wanted in skill.labels):
                return skill
        raise _unknown(name, f"version {version}" if version is not None else f"label {wanted!r}")

    async def page(self, project_id: ProjectId, query: SkillQuery) -> tuple[list[SkillSummary], int]:
        """By name, and how many match in all."""
        async with self._database.reading() as connection:
            every = await SkillStore(connection, project_id).every()
        by_name: dict[str, list[Skill]] = {}
        for skill in sorted(every, key=lambda skill: (skill.name, -skill.version)):
            by_name.setdefault(skill.name, []).append(skill)
        found = [_summary(_labelled(versions)) for versions in by_name.values() if _matches(versions[0], query)]
        return found[query.offset : query.offset + query.limit], len(found)

    async def set_labels(
        self, project_id: ProjectId, name: str, version: int, labels: Sequence[str], *, promotes: bool = False
    ) -> Skill:
        """Replace the labels of a version; they move away from the versions that had them."""
        if LATEST in labels:
            raise InvalidRequest(f"label {LATEST!r} always points at the newest version: leave it out")
        async with self._database.work() as work:
            store = SkillStore(work.connection, project_id)
            versions = await store.versions(name)
            chosen = _one(versions, name, version)
            moving = set(labels) ^ set(chosen.labels)
            await check_move(work.connection, project_id, moving, promotes=promotes)
            await record_move(work.connection, project_id, "skill", name, version, moving)
            for skill in versions:
                rest = set(labels) if skill is chosen else set(skill.labels) - set(labels)
                if rest != set(skill.labels):
                    await store.relabel(skill, rest)
            work.after_commit(lambda: self._hub.publish(project_id, "skills"))
            return _one(_labelled(await store.versions(name)), name, version)

    async def set_tags(self, project_id: ProjectId, name: str, tags: Sequence[str]) -> Skill:
        """Replace the tags, which all versions share; answers the newest version."""
        async with self._database.work() as work:
            store = SkillStore(work.connection, project_id)
            versions = await store.versions(name)
            if not versions:
                raise _unknown(name, "no version")
            await store.retag([skill.id for skill in versions], list(dict.fromkeys(tags)))
            work.after_commit(lambda: self._hub.publish(project_id, "skills"))
            return _labelled(await store.versions(name))[0]

    async def delete(self, project_id: ProjectId, name: str, version: int, *, promotes: bool = False) -> None:
        """Delete a version, and garbage-collect the contents that no other version refers to."""
        async with self._database.work() as work:
            store = SkillStore(work.connection, project_id)
            going = _one(await store.versions(name), name, version)
            await check_move(work.connection, project_id, going.labels, promotes=promotes)
            await store.delete(going.id)
            event = audit.of_project("skill.delete", project_id, "skill", name, versions=[version])
            await audit.record(work.connection, event)
            await store.forget_unused([file.sha256_base64 for file in going.files])
            work.after_commit(lambda: self._hub.publish(project_id, "skills"))

    async def contents(self, project_id: ProjectId, hashes: Collection[str]) -> Mapping[str, str]:
        """Texts of files by their hashes. NotFound names one that is not here."""
        async with self._database.reading() as connection:
            found = await SkillStore(connection, project_id).contents(hashes)
        missing = [digest for digest in hashes if digest not in found]
        if missing:
            raise NotFound(f"no file of this project has the SHA-256 {missing[0]!r}")
        return found


def sha256_base64(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


async def _contents(store: SkillStore, files: Sequence[NewFile]) -> list[tuple[NewFile, str]]:
    """Each file with its text; InvalidRequest for a hash that is not stored."""
    known = await store.contents({file.sha256_base64 for file in files if file.sha256_base64})
    found = []
    for file in files:
        text = file.content if file.content is not None else known.get(file.sha256_base64 or "")
        if text is None:
            raise InvalidRequest(f"{file.path}: no file of this project has the SHA-256 {file.sha256_base64!r}")
        found.append((file, text))
    return found


def _check_paths(files: Sequence[NewFile]) -> None:
    for file in files:
        check_path(file.path)
    paths = [file.path.casefold() for file in files]
    if len(set(paths)) != len(paths):
        raise InvalidRequest("two files have the same path: each has its own, in any case of letters")


def _file(path: str, text: str) -> SkillFile:
    kind = "text/markdown" if path.endswith(".md") else mimetypes.guess_type(path)[0] or TEXT
    return SkillFile(
        id=new_id(),
        path=path,
        sha256_base64=sha256_base64(text),
        content_type=kind,
        content_length=len(text.encode()),
    )


def _labelled(versions: Sequence[Skill]) -> list[Skill]:
    """Versions, newest first, with the label that the newest one always has."""
    return [replace(versions[0], labels=(*versions[0].labels, LATEST)), *versions[1:]] if versions else []


def _summary(versions: Sequence[Skill]) -> SkillSummary:
    production = next((skill.version for skill in versions if PRODUCTION in skill.labels), None)
    return SkillSummary(latest=versions[0], production_version=production)


def _matches(latest: Skill, query: SkillQuery) -> bool:
    search = (query.search or "").casefold()
    return (
        (query.name is None or latest.name == query.name)
        and (query.tag is None or query.tag in latest.tags)
        and (search in latest.name.casefold() or search in latest.description.casefold())
        and (query.updated_from is None or latest.updated_at >= query.updated_from)
        and (query.updated_before is None or latest.updated_at < query.updated_before)
    )


def _one(versions: Sequence[Skill], name: str, version: int) -> Skill:
    found = next((skill for skill in versions if skill.version == version), None)
    if found is None:
        raise _unknown(name, f"version {version}")
    return found


def _unknown(name: str, wanted: str) -> NotFound:
    return NotFound(f"Skill not found: {name!r} has {wanted if wanted.startswith('no') else f'no {wanted}'} here")
