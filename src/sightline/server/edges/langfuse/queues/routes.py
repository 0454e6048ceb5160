"""Annotation queues, their items and who works through them, through Langfuse's paths."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from sightline.server.accounts.records import Access, ProjectId, UserId
from sightline.server.edges.access import key_for
from sightline.server.edges.answers import Json, iso
from sightline.server.edges.bodies import PlainJson
from sightline.server.edges.langfuse.wire.bodies import Body
from sightline.server.edges.params import Paged
from sightline.server.edges.services import Served
from sightline.server.reviews.records import (
    Assignment,
    Queue,
    QueuedType,
    QueueId,
    QueueItem,
    QueueItemId,
    QueueStatus,
)
from sightline.server.runtime.clock import now
from sightline.server.runtime.ids import new_id

router = APIRouter(route_class=PlainJson, prefix="/api/public/annotation-queues")

Reader = Annotated[Access, key_for("annotations.read")]
Writer = Annotated[Access, key_for("annotations.write")]
Manager = Annotated[Access, key_for("queues.manage")]


class QueueBody(Body):
    name: str = Field(min_length=1, max_length=255)
    description: str | None = Field(default=None, max_length=10_000)
    score_config_ids: list[str] = Field(max_length=100)

    def queue(self, project_id: ProjectId) -> Queue:
        moment = now()
        return Queue(
            id=QueueId(new_id()),
            project_id=project_id,
            name=self.name,
            description=self.description,
            score_config_ids=tuple(dict.fromkeys(self.score_config_ids)),
            created_at=moment,
            updated_at=moment,
        )


class ItemBody(Body):
    object_id: str = Field(min_length=1, max_length=255)
    object_type: QueuedType
    status: QueueStatus | None = None

    def item(self, project_id: ProjectId, queue_id: str) -> QueueItem:
        moment = now()
        return QueueItem(
            id=QueueItemId(new_id()),
            project_id=project_id,
            queue_id=QueueId(queue_id),
            object_id=self.object_id,
            object_type=self.object_type,
            status=self.status or "PENDING",
            completed_at=moment if self.status == "COMPLETED" else None,
            created_at=moment,
            updated_at=moment,
        )


class StatusBody(Body):
    status: QueueStatus | None = None


class ItemParams(Paged):
    status: QueueStatus | None = None


class AssignmentBody(Body):
    user_id: str = Field(min_length=1)

    def assignment(self, project_id: ProjectId, queue_id: str) -> Assignment:
        return Assignment(project_id=project_id, queue_id=QueueId(queue_id), user_id=UserId(self.user_id))


@router.get("")
async def list_queues(who: Reader, services: Served, params: Annotated[Paged, Query()]) -> Json:
    queues, total = await services.queues.page(who.project_id, params.limit, params.offset)
    return Json(params.paged([_queue(each) for each in queues], total))


@router.post("")
async def create(body: QueueBody, who: Manager, services: Served) -> Json:
    return Json(_queue(await services.queues.create(body.queue(who.project_id))))


@router.get("/{queueId}")
async def read(queueId: str, who: Reader, services: Served) -> Json:
    return Json(_queue(await services.queues.get(who.project_id, QueueId(queueId))))


@router.get("/{queueId}/items")
async def list_items(queueId: str, who: Reader, services: Served, params: Annotated[ItemParams, Query()]) -> Json:
    items, total = await services.queues.items(
        who.project_id, QueueId(queueId), params.status, params.limit, params.offset
    )
    return Json(params.paged([_item(each) for each in items], total))


@router.post("/{queueId}/items")
async def add_item(queueId: str, body: ItemBody, who: Writer, services: Served) -> Json:
    return Json(_item(await services.queues.add_item(body.item(who.project_id, queueId))))


@router.get("/{queueId}/items/{itemId}")
async def read_item(queueId: str, itemId: str, who: Reader, services: Served) -> Json:
    return Json(_item(await services.queues.item(who.project_id, QueueId(queueId), QueueItemId(itemId))))


@router.patch("/{queueId}/items/{itemId}")
async def change_item(queueId: str, itemId: str, body: StatusBody, who: Writer, services: Served) -> Json:
    item = await services.queues.set_status(who.project_id, QueueId(queueId), QueueItemId(itemId), body.status)
    return Json(_item(item))


@router.delete("/{queueId}/items/{itemId}")
async def remove_item(queueId: str, itemId: str, who: Writer, services: Served) -> Json:
    await services.queues.remove_item(who.project_id, QueueId(queueId), QueueItemId(itemId))
    return Json({"success": True, "message": "Annotation queue item deleted"})


@router.post("/{queueId}/assignments")
async def assign(queueId: str, body: AssignmentBody, who: Manager, services: Served) -> Json:
    assignment = body.assignment(who.project_id, queueId)
    await services.queues.assign(assignment)
    return Json({"userId": assignment.user_id, "queueId": queueId, "projectId": who.project_id})


@router.delete("/{queueId}/assignments")
async def unassign(queueId: str, body: AssignmentBody, who: Manager, services: Served) -> Json:
    await services.queues.unassign(body.assignment(who.project_id, queueId))
    return Json({"success": True})


def _queue(queue: Queue) -> dict[str, Any]:
    return {
        "id": queue.id,
        "name": queue.name,
        "description": queue.description,
        "scoreConfigIds": list(queue.score_config_ids),
        "createdAt": iso(queue.created_at),
        "updatedAt": iso(queue.updated_at),
    }


def _item(item: QueueItem) -> dict[str, Any]:
    return {
        "id": item.id,
        "queueId": item.queue_id,
        "objectId": item.object_id,
        "objectType": item.object_type,
        "status": item.status,
        "completedAt": iso(item.completed_at),
        "createdAt": iso(item.created_at),
        "updatedAt": iso(item.updated_at),
    }
