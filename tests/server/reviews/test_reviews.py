"""Reviews through their actions: comments on what exists, queues that people work through."""

from datetime import UTC, datetime

import pytest

from server.conftest import ELSEWHERE, HERE, Storage
from server.tracing.making import observation
from sightline.server.accounts.records import ProjectId
from sightline.server.evals.actions import ScoreConfigs
from sightline.server.evals.records import ConfigId, ScoreConfig
from sightline.server.prompts.actions import Prompts
from sightline.server.reviews.actions import Comments, Queues
from sightline.server.reviews.records import Comment, CommentId, CommentQuery, Queue, QueueId, QueueItem, QueueItemId
from sightline.server.runtime.errors import InvalidRequest, NotFound

MOMENT = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def comments(storage: Storage) -> Comments:
    return Comments(storage.database, storage.tracing, Prompts(storage.database, storage.hub), storage.hub)


@pytest.fixture
def queues(storage: Storage) -> Queues:
    return Queues(storage.database, storage.accounts, ScoreConfigs(storage.database), storage.hub)


def comment(project_id: ProjectId, trace_id: str) -> Comment:
    return Comment(
        id=CommentId(f"c-{project_id}"),
        project_id=project_id,
        object_type="TRACE",
        object_id=trace_id,
        content="look here",
        author_user_id=None,
        created_at=MOMENT,
        updated_at=MOMENT,
    )


def item(identity: str = "i1", queue: str = "q1") -> QueueItem:
    return QueueItem(
        id=QueueItemId(identity),
        project_id=HERE,
        queue_id=QueueId(queue),
        object_id="t1",
        object_type="TRACE",
        status="PENDING",
        completed_at=None,
        created_at=MOMENT,
        updated_at=MOMENT,
    )


def queue(*configs: str, identity: str = "q1") -> Queue:
    return Queue(
        id=QueueId(identity),
        project_id=HERE,
        name="to look at",
        description=None,
        score_config_ids=configs,
        created_at=MOMENT,
        updated_at=MOMENT,
    )


@pytest.fixture
async def opened(queues: Queues, storage: Storage) -> Queue:
    """A queue with the config it scores by."""
    config = ScoreConfig(
        id=ConfigId("s1"), project_id=HERE, name="good", data_type="BOOLEAN", created_at=MOMENT, updated_at=MOMENT
    )
    await ScoreConfigs(storage.database).create(config)
    return await queues.create(queue("s1"))


async def test_a_comment_is_about_something_of_its_project(comments: Comments, storage: Storage):
    await storage.tracing.record(HERE, [observation("t1")])
    await comments.create(comment(HERE, "t1"))
    with pytest.raises(NotFound, match="TRACE 't1' does not exist"):
        await comments.create(comment(ELSEWHERE, "t1"))
    found, total = await comments.page(HERE, CommentQuery(object_type="TRACE", object_id="t1"))
    assert ([each.content for each in found], total) == (["look here"], 1)
    with pytest.raises(NotFound):
        await comments.get(ELSEWHERE, CommentId(f"c-{HERE}"))


async def test_an_id_alone_does_not_say_what_comments_are_about(comments: Comments):
    with pytest.raises(InvalidRequest, match="objectId needs objectType"):
        await comments.page(HERE, CommentQuery(object_id="t1"))


async def test_a_queue_scores_by_configs_there_are(queues: Queues, opened: Queue):
    with pytest.raises(InvalidRequest, match="at least one config"):
        await queues.create(queue())
    with pytest.raises(InvalidRequest, match="'none' does not exist"):
        await queues.create(queue("none"))
    with pytest.raises(InvalidRequest, match="choose another name"):
        await queues.create(queue("s1", identity="q2"))
    assert await queues.page(HERE, 10, 0) == ([opened], 1)


async def test_an_item_is_completed_and_taken_up_again(queues: Queues, opened: Queue):
    await queues.add_item(item())
    done = await queues.set_status(HERE, opened.id, QueueItemId("i1"), "COMPLETED")
    assert done.completed_at is not None
    assert (await queues.items(HERE, opened.id, "PENDING", 10, 0))[1] == 0
    assert (await queues.set_status(HERE, opened.id, QueueItemId("i1"), None)).status == "COMPLETED"
    again = await queues.set_status(HERE, opened.id, QueueItemId("i1"), "PENDING")
    assert (again.status, again.completed_at) == ("PENDING", None)


async def test_an_item_is_found_in_its_own_queue_of_its_own_project(queues: Queues, opened: Queue):
    await queues.add_item(item())
    for project, queue_id in ((HERE, QueueId("q2")), (ELSEWHERE, opened.id)):
        with pytest.raises(NotFound):
            await queues.remove_item(project, queue_id, QueueItemId("i1"))
    with pytest.raises(NotFound):
        await queues.add_item(item("i2", "q2"))
    await queues.remove_item(HERE, opened.id, QueueItemId("i1"))
    assert await queues.items(HERE, opened.id, None, 10, 0) == ([], 0)
