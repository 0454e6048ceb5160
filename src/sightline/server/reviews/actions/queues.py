"""Annotation queues: human review of traces, scored by the queue's configs."""

from dataclasses import replace

from sightline.server.accounts.actions import Accounts
from sightline.server.accounts.records import ProjectId
from sightline.server.evals.actions import ScoreConfigs
from sightline.server.evals.records import ConfigId
from sightline.server.reviews.records import Assignment, Queue, QueueId, QueueItem, QueueItemId, QueueStatus
from sightline.server.reviews.store import QueueItemStore, QueueStore
from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import InvalidRequest, NotFound
from sightline.server.runtime.hub import LiveHub


class Queues:
    """Every method is scoped to the project it is given."""

    def __init__(self, database: Database, accounts: Accounts, configs: ScoreConfigs, hub: LiveHub) -> None:
        self._database = database
        self._accounts = accounts
        self._configs = configs
        self._hub = hub

    async def create(self, queue: Queue) -> Queue:
        if not queue.score_config_ids:
            raise InvalidRequest("a queue needs scoreConfigIds: at least one config to score its items by")
        for config_id in queue.score_config_ids:
            await self._check_config(queue.project_id, ConfigId(config_id))
        async with self._database.work() as work:
            store = QueueStore(work.connection, queue.project_id)
            if await store.named(queue.name):
                raise InvalidRequest(f"queue {queue.name!r} exists in this project: choose another name")
            await store.add(queue)
        return queue

    async def get(self, project_id: ProjectId, queue_id: QueueId) -> Queue:
        async with self._database.reading() as connection:
            return await _existing(QueueStore(connection, project_id), queue_id)

    async def page(self, project_id: ProjectId, limit: int, offset: int) -> tuple[list[Queue], int]:
        async with self._database.reading() as connection:
            return await QueueStore(connection, project_id).page(limit, offset)

    async def add_item(self, item: QueueItem) -> QueueItem:
        """Enqueue. Idempotent: an equal item in this status is answered as it is."""
        async with self._database.work() as work:
            await _existing(QueueStore(work.connection, item.project_id), item.queue_id)
            put, new = await QueueItemStore(work.connection, item.project_id).put(item)
            if new:
                work.after_commit(lambda: self._hub.publish(item.project_id, "queues"))
        return put

    async def items(
        self, project_id: ProjectId, queue_id: QueueId, status: QueueStatus | None, limit: int, offset: int
    ) -> tuple[list[QueueItem], int]:
        async with self._database.reading() as connection:
            await _existing(QueueStore(connection, project_id), queue_id)
            return await QueueItemStore(connection, project_id).of_queue(queue_id, status, limit, offset)

    async def item(self, project_id: ProjectId, queue_id: QueueId, item_id: QueueItemId) -> QueueItem:
        async with self._database.reading() as connection:
            return await _existing_item(QueueItemStore(connection, project_id), queue_id, item_id)

    async def set_status(
        self, project_id: ProjectId, queue_id: QueueId, item_id: QueueItemId, status: QueueStatus | None
    ) -> QueueItem:
        """Complete an item, or take it up again; None leaves it as it is."""
        async with self._database.work() as work:
            store = QueueItemStore(work.connection, project_id)
            item = await _existing_item(store, queue_id, item_id)
            moment = now()
            if status:
                completed = moment if status == "COMPLETED" else None
                item = replace(item, status=status, completed_at=completed, updated_at=moment)
                await store.change(item)
            work.after_commit(lambda: self._hub.publish(project_id, "queues"))
        return item

    async def remove_item(self, project_id: ProjectId, queue_id: QueueId, item_id: QueueItemId) -> None:
        async with self._database.work() as work:
            store = QueueItemStore(work.connection, project_id)
            await _existing_item(store, queue_id, item_id)
            await store.delete(item_id)
            work.after_commit(lambda: self._hub.publish(project_id, "queues"))

    async def assign(self, assignment: Assignment) -> None:
        """Assign a member of the project to a queue. Idempotent."""
        await self._accounts.member_role(assignment.project_id, assignment.user_id)
        async with self._database.work() as work:
            store = QueueStore(work.connection, assignment.project_id)
            await _existing(store, assignment.queue_id)
            await store.assign(assignment.queue_id, assignment.user_id)

    async def unassign(self, assignment: Assignment) -> None:
        async with self._database.work() as work:
            store = QueueStore(work.connection, assignment.project_id)
            await _existing(store, assignment.queue_id)
            await store.unassign(assignment.queue_id, assignment.user_id)

    async def _check_config(self, project_id: ProjectId, config_id: ConfigId) -> None:
        try:
            await self._configs.get(project_id, config_id)
        except NotFound as problem:
            raise InvalidRequest(
                f"score config {config_id!r} does not exist in this project: make it first"
            ) from problem


async def _existing(store: QueueStore, queue_id: QueueId) -> Queue:
    found = await store.one(queue_id)
    if found is None:
        raise NotFound(f"annotation queue {queue_id!r} does not exist in this project")
    return found


async def _existing_item(store: QueueItemStore, queue_id: QueueId, item_id: QueueItemId) -> QueueItem:
    found = await store.one(item_id)
    if found is None or found.queue_id != queue_id:
        raise NotFound(f"item {item_id!r} does not exist in annotation queue {queue_id!r}")
    return found
