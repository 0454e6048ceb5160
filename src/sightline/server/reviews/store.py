"""All SQL of comments, queues and feedback. A store belongs to one project and one unit of work."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.accounts.records import ProjectId, UserId
from sightline.server.reviews.records import Comment, CommentQuery, Feedback, Queue, QueueId, QueueItem, QueueStatus
from sightline.server.runtime.clock import now
from sightline.server.runtime.ids import digest_of
from sightline.server.runtime.rows import ProjectRows
from sightline.server.tables.reviews import (
    annotation_queue_assignments,
    annotation_queue_items,
    annotation_queues,
    comments,
    feedback,
)


class CommentStore(ProjectRows[Comment]):
    def __init__(self, connection: AsyncConnection, project_id: ProjectId) -> None:
        super().__init__(connection, comments, project_id, lambda row: Comment(**row), vars)

    async def say(self, comment: Comment) -> tuple[Comment, bool]:
        """Insert, deduplicated by author, object and text: the comment, and whether it is new."""
        said = comment.object_type, comment.object_id, comment.author_user_id, comment.content
        return await self.add_once(comment, digest_of(*said))

    async def about(self, query: CommentQuery) -> tuple[list[Comment], int]:
        asked = {
            comments.c.object_type: query.object_type,
            comments.c.object_id: query.object_id,
            comments.c.author_user_id: query.author_user_id,
        }
        where = [column == value for column, value in asked.items() if value is not None]
        return await self.page(query.limit, query.offset, *where)


class QueueStore(ProjectRows[Queue]):
    def __init__(self, connection: AsyncConnection, project_id: ProjectId) -> None:
        super().__init__(connection, annotation_queues, project_id, _queue, _queue_row)

    async def named(self, name: str) -> Queue | None:
        return await self.first(annotation_queues.c.name == name)

    async def assign(self, queue_id: QueueId, user_id: UserId) -> None:
        """Assign a person to a queue of this project. Idempotent."""
        at = _assigned(queue_id, user_id)
        known = await self.connection.execute(select(annotation_queue_assignments.c.user_id).where(at))
        if known.first() is None:
            values = {"queue_id": queue_id, "user_id": user_id, "created_at": now()}
            await self.connection.execute(insert(annotation_queue_assignments).values(values))

    async def unassign(self, queue_id: QueueId, user_id: UserId) -> None:
        await self.connection.execute(delete(annotation_queue_assignments).where(_assigned(queue_id, user_id)))


class QueueItemStore(ProjectRows[QueueItem]):
    def __init__(self, connection: AsyncConnection, project_id: ProjectId) -> None:
        super().__init__(connection, annotation_queue_items, project_id, lambda row: QueueItem(**row), vars)

    async def put(self, item: QueueItem) -> tuple[QueueItem, bool]:
        """Insert, deduplicated by object and status: the item, and whether it is new."""
        return await self.add_once(item, _key(item))

    async def change(self, item: QueueItem) -> None:
        await super().change(item)
        await self.rekey(item.id, _key(item))

    async def of_queue(
        self, queue_id: QueueId, status: QueueStatus | None, limit: int, offset: int
    ) -> tuple[list[QueueItem], int]:
        where = [annotation_queue_items.c.queue_id == queue_id]
        if status:
            where.append(annotation_queue_items.c.status == status)
        return await self.page(limit, offset, *where)


class FeedbackStore(ProjectRows[Feedback]):
    def __init__(self, connection: AsyncConnection, project_id: ProjectId) -> None:
        super().__init__(connection, feedback, project_id, lambda row: Feedback(**row), vars)


def _key(item: QueueItem) -> str:
    return digest_of(item.queue_id, item.object_type, item.object_id, item.status)


def _assigned(queue_id: QueueId, user_id: UserId) -> ColumnElement[bool]:
    table = annotation_queue_assignments.c
    return (table.queue_id == queue_id) & (table.user_id == user_id)


def _queue(row: Mapping[str, Any]) -> Queue:
    return Queue(**{**row, "score_config_ids": tuple(row["score_config_ids"])})


def _queue_row(queue: Queue) -> Mapping[str, Any]:
    return vars(queue) | {"score_config_ids": list(queue.score_config_ids)}
