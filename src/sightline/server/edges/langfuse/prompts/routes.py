"""Prompts through Langfuse's paths. A name may hold slashes: clients send it percent-encoded, in one segment."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AfterValidator, Field, TypeAdapter

from sightline.server.accounts.permissions import holds
from sightline.server.accounts.records import Access
from sightline.server.edges.access import key_for
from sightline.server.edges.answers import Json, iso
from sightline.server.edges.bodies import PlainJson, read_as
from sightline.server.edges.langfuse.prompts.filters import prompt_conditions
from sightline.server.edges.langfuse.wire.any_json import AnyJson
from sightline.server.edges.langfuse.wire.bodies import Body
from sightline.server.edges.params import LARGEST, Label, Moment, Paged, Params
from sightline.server.edges.services import Served
from sightline.server.prompts.records import (
    PRODUCTION,
    Composed,
    Draft,
    Inclusion,
    Prompt,
    PromptQuery,
    PromptSummary,
    Selector,
)
from sightline.server.questions import Condition

router = APIRouter(route_class=PlainJson, prefix="/api/public/v2/prompts")

Reader = Annotated[Access, key_for("prompts.read")]
Writer = Annotated[Access, key_for("prompts.write")]
Deleter = Annotated[Access, key_for("prompts.delete")]

Tag = Annotated[str, Field(min_length=1, max_length=255)]


def _name(name: str) -> str:
    if "|" in name:
        raise ValueError("a prompt's name has no |, which ends the name where a prompt includes another")
    return name


class Message(Body):
    type: Literal["chatmessage", "message"] | None = None
    role: str
    content: str


class Placeholder(Body):
    type: Literal["placeholder"]
    name: str = Field(min_length=1)


class NewVersion(Body):
    name: Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_name)]
    config: AnyJson = None
    labels: list[Label] | None = None
    tags: list[Tag] | None = None
    commit_message: str | None = Field(None, max_length=500)


class NewText(NewVersion):
    type: Literal["text"] | None = None
    prompt: str


class NewChat(NewVersion):
    type: Literal["chat"]
    prompt: list[Placeholder | Message]


NEW: TypeAdapter[NewText | NewChat] = TypeAdapter(NewText | NewChat)


class Labels(Body):
    new_labels: list[Label]


class Which(Params):
    version: int | None = Field(None, ge=1, le=LARGEST)
    label: str | None = Field(None, min_length=1)


class Reading(Which):
    resolve: bool = True


class ListParams(Paged):
    name: str | None = None
    version: int | None = Field(None, le=LARGEST)
    label: str | None = None
    tag: str | None = None
    from_updated_at: Moment | None = None
    to_updated_at: Moment | None = None
    filter: str | None = None


@router.get("")
async def list_prompts(who: Reader, services: Served, params: Annotated[ListParams, Query()]) -> Json:
    """A page of prompts by name, each summarised over the versions that match."""
    query = PromptQuery(conditions=_conditions(params), limit=params.limit, offset=params.offset)
    page = await services.prompts.page(who.project_id, query)
    return Json(params.paged([_summary(each) for each in page.items], page.total))


@router.post("")
async def create(request: Request, who: Writer, services: Served) -> Json:
    body = await read_as(request, services.limits.body_bytes, NEW.validate_python)
    prompt = await services.prompts.create(who.project_id, _draft(body), promotes=holds(who, "prompts.promote"))
    return Json(prompt_shape(prompt) | {"resolutionGraph": None}, status_code=201)


@router.get("/{name:path}")
async def read(name: str, who: Reader, services: Served, params: Annotated[Reading, Query()]) -> Json:
    selector = Selector(name=name, version=params.version, label=params.label)
    return Json(composed_shape(await services.prompts.get(who.project_id, selector, resolve=params.resolve)))


@router.delete("/{name:path}")
async def delete(name: str, who: Deleter, services: Served, params: Annotated[Which, Query()]) -> Response:
    selector = Selector(name=name, version=params.version, label=params.label)
    await services.prompts.delete(who.project_id, selector, promotes=holds(who, "prompts.promote"))
    return Response(status_code=204)


@router.patch("/{name:path}/versions/{version}")
async def label(
    name: str, version: Annotated[int, Path(le=LARGEST)], body: Labels, who: Writer, services: Served
) -> Json:
    moved = await services.prompts.label(
        who.project_id, name, version, body.new_labels, promotes=holds(who, "prompts.promote")
    )
    return Json(prompt_shape(moved))


def _draft(body: NewText | NewChat) -> Draft:
    content = body.prompt if isinstance(body.prompt, str) else [_message(each) for each in body.prompt]
    return Draft(
        name=body.name,
        kind=body.type or "text",
        content=content,
        config={} if body.config is None else body.config,
        labels=body.labels or (),
        tags=body.tags,
        commit_message=body.commit_message,
        created_by="API",
    )


def _message(message: Placeholder | Message) -> Mapping[str, str]:
    """A stored message; the clients' other word for its type is written as Langfuse writes it."""
    if isinstance(message, Placeholder):
        return {"type": "placeholder", "name": message.name}
    return {"type": "chatmessage", "role": message.role, "content": message.content}


def _conditions(params: ListParams) -> tuple[Condition, ...]:
    """Precedence: `filter` overrides the simple parameters."""
    if params.filter is not None:
        return prompt_conditions(params.filter)
    given: tuple[tuple[str, str, str, Any], ...] = (
        ("string", "name", "=", params.name),
        ("number", "version", "=", params.version),
        ("arrayOptions", "labels", "any of", params.label and (params.label,)),
        ("arrayOptions", "tags", "any of", params.tag and (params.tag,)),
        ("datetime", "updatedAt", ">=", params.from_updated_at),
        ("datetime", "updatedAt", "<", params.to_updated_at),
    )
    return tuple(
        Condition(type=type_, column=column, operator=operator, value=value)
        for type_, column, operator, value in given
        if value
    )


def prompt_shape(prompt: Prompt) -> dict[str, Any]:
    return {
        "id": prompt.id,
        "projectId": prompt.project_id,
        "name": prompt.name,
        "version": prompt.version,
        "type": prompt.kind,
        "prompt": prompt.content,
        "config": prompt.config,
        "labels": prompt.labels,
        "tags": prompt.tags,
        "commitMessage": prompt.commit_message,
        "createdBy": prompt.created_by,
        "createdAt": iso(prompt.created_at),
        "updatedAt": iso(prompt.updated_at),
        "isActive": PRODUCTION in prompt.labels,
    }


def composed_shape(composed: Composed) -> dict[str, Any]:
    root = Inclusion(id=composed.prompt.id, name=composed.prompt.name, version=composed.prompt.version)
    graph = {
        "root": vars(root),
        "dependencies": {parent: [vars(each) for each in all] for parent, all in composed.inclusions.items()},
    }
    return prompt_shape(composed.prompt) | {"resolutionGraph": graph if composed.inclusions else None}


def _summary(summary: PromptSummary) -> dict[str, Any]:
    return {
        "name": summary.name,
        "type": summary.kind,
        "versions": summary.versions,
        "labels": summary.labels,
        "tags": summary.tags,
        "lastUpdatedAt": iso(summary.updated_at),
        "lastConfig": summary.config,
    }
