"""Skills of agents through Langfuse's paths."""

from typing import Annotated, Any, Self

from fastapi import APIRouter, Query, Request
from pydantic import Field, model_validator

from sightline.server.accounts.permissions import holds
from sightline.server.accounts.records import Access
from sightline.server.edges.access import key_for
from sightline.server.edges.answers import Json, iso
from sightline.server.edges.bodies import PlainJson, read_as
from sightline.server.edges.langfuse.wire.bodies import Body
from sightline.server.edges.params import Commas, Label, Moment, Paged, Params
from sightline.server.edges.services import Served
from sightline.server.skills.records import NewFile, Skill, SkillDraft, SkillFile, SkillQuery, SkillSummary

router = APIRouter(route_class=PlainJson, prefix="/api/public/unstable/skills")

Reader = Annotated[Access, key_for("skills.read")]
Writer = Annotated[Access, key_for("skills.write")]
Deleter = Annotated[Access, key_for("skills.delete")]

SHA256 = r"^[A-Za-z0-9+/]{43}=$"
"""A SHA-256 in base64."""
MOST_HASHES = 50
"""Hashes of one read."""
Tag = Annotated[str, Field(min_length=1, max_length=255)]


class FileBody(Body):
    path: str = Field(min_length=1, max_length=500)
    content: str | None = None
    sha256_hash: str | None = Field(None, pattern=SHA256, alias="sha256Hash")

    @model_validator(mode="after")
    def _has_one_content(self) -> Self:
        if (self.content is None) == (self.sha256_hash is None):
            raise ValueError("a file has a content, or the sha256Hash of one that is here")
        return self


class VersionBody(Body):
    files: list[FileBody] = Field(min_length=1, max_length=500)
    commit_message: str | None = Field(None, max_length=500)

    def draft(self) -> SkillDraft:
        files = [NewFile(path=each.path, content=each.content, sha256_base64=each.sha256_hash) for each in self.files]
        return SkillDraft(files=files, commit_message=self.commit_message)


class LabelsBody(Body):
    labels: list[Label] = Field(max_length=100)


class TagsBody(Body):
    tags: list[Tag] = Field(max_length=100)


class ListParams(Paged):
    name: str | None = None
    search: str | None = None
    tag: str | None = None
    from_updated_at: Moment | None = None
    to_updated_at: Moment | None = None

    def query(self) -> SkillQuery:
        return SkillQuery(
            name=self.name,
            search=self.search,
            tag=self.tag,
            updated_from=self.from_updated_at,
            updated_before=self.to_updated_at,
            limit=self.limit,
            offset=self.offset,
        )


class Which(Params):
    version: int | None = Field(None, ge=1)
    label: str | None = Field(None, min_length=1)


class Hashes(Params):
    sha256_hashes: Commas = Field(alias="sha256Hashes", min_length=1, max_length=MOST_HASHES)


@router.get("")
async def list_skills(who: Reader, services: Served, params: Annotated[ListParams, Query()]) -> Json:
    skills, total = await services.skills.page(who.project_id, params.query())
    more = {"hasNextPage": params.offset + len(skills) < total}
    return Json({"data": [_summary(each) for each in skills], "meta": params.meta(total) | more})


@router.post("")
async def create(request: Request, who: Writer, services: Served) -> Json:
    body = await read_as(request, services.limits.body_bytes, VersionBody.model_validate)
    return Json(_skill(await services.skills.create(who.project_id, body.draft())), status_code=201)


@router.get("/files/content")
async def read_contents(who: Reader, services: Served, params: Annotated[Hashes, Query()]) -> Json:
    found = await services.skills.contents(who.project_id, params.sha256_hashes)
    return Json({"data": [{"sha256Hash": each, "content": found[each]} for each in params.sha256_hashes]})


@router.get("/{skillName}")
async def read(skillName: str, who: Reader, services: Served, params: Annotated[Which, Query()]) -> Json:
    return Json(_skill(await services.skills.get(who.project_id, skillName, params.version, params.label)))


@router.patch("/{skillName}")
async def tag(skillName: str, body: TagsBody, who: Writer, services: Served) -> Json:
    return Json(_skill(await services.skills.set_tags(who.project_id, skillName, body.tags)))


@router.patch("/{skillName}/versions/{skillVersion}")
async def label(skillName: str, skillVersion: int, body: LabelsBody, who: Writer, services: Served) -> Json:
    labelled = await services.skills.set_labels(
        who.project_id, skillName, skillVersion, body.labels, promotes=holds(who, "prompts.promote")
    )
    return Json(_skill(labelled))


@router.delete("/{skillName}/versions/{skillVersion}")
async def delete(skillName: str, skillVersion: int, who: Deleter, services: Served) -> Json:
    await services.skills.delete(who.project_id, skillName, skillVersion, promotes=holds(who, "prompts.promote"))
    return Json({"deleted": True})


def _skill(skill: Skill) -> dict[str, Any]:
    return {
        "id": skill.id,
        "projectId": skill.project_id,
        "name": skill.name,
        "description": skill.description,
        "frontmatter": dict(skill.frontmatter),
        "version": skill.version,
        "labels": list(skill.labels),
        "tags": list(skill.tags),
        "commitMessage": skill.commit_message,
        "files": [_file(file) for file in skill.files],
        "createdBy": skill.created_by,
        "createdAt": iso(skill.created_at),
        "updatedAt": iso(skill.updated_at),
    }


def _file(file: SkillFile) -> dict[str, Any]:
    """Files are content-addressed: the SHA-256 identifies the text."""
    return {
        "id": file.id,
        "path": file.path,
        "blobId": file.sha256_base64,
        "sha256Hash": file.sha256_base64,
        "contentType": file.content_type,
        "contentLength": file.content_length,
    }


def _summary(summary: SkillSummary) -> dict[str, Any]:
    latest = summary.latest
    return {
        "name": latest.name,
        "description": latest.description,
        "tags": list(latest.tags),
        "latestVersion": latest.version,
        "latestVersionCreatedAt": iso(latest.created_at),
        "latestVersionLastUpdatedAt": iso(latest.updated_at),
        "productionVersion": summary.production_version,
    }
