"""Comments on things that exist, and feedback on the platform."""

from sightline.server.accounts.records import ProjectId
from sightline.server.prompts.actions import Prompts
from sightline.server.prompts.records import PromptQuery
from sightline.server.questions import Condition
from sightline.server.reviews.records import Comment, CommentedType, CommentId, CommentQuery, Feedback
from sightline.server.reviews.store import CommentStore, FeedbackStore
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import InvalidRequest, NotFound
from sightline.server.runtime.hub import LiveHub
from sightline.server.tracing.actions import Tracing
from sightline.server.tracing.records import ObservationId, ObservationQuery, TraceId, TraceQuery


class Comments:
    """Every method is scoped to the project it is given."""

    def __init__(self, database: Database, tracing: Tracing, prompts: Prompts, hub: LiveHub) -> None:
        self._database = database
        self._tracing = tracing
        self._prompts = prompts
        self._hub = hub

    async def create(self, comment: Comment) -> Comment:
        """Comment on a trace, an observation, a session or a version of a prompt. NotFound when it does not exist.

        Idempotent by natural key: the same comment again answers the existing one.
        """
        if not await self._exists(comment.project_id, comment.object_type, comment.object_id):
            raise NotFound(f"{comment.object_type} {comment.object_id!r} does not exist in this project")
        async with self._database.work() as work:
            said, new = await CommentStore(work.connection, comment.project_id).say(comment)
            if new:
                work.after_commit(lambda: self._hub.publish(comment.project_id, "comments"))
        return said

    async def get(self, project_id: ProjectId, comment_id: CommentId) -> Comment:
        async with self._database.reading() as connection:
            found = await CommentStore(connection, project_id).one(comment_id)
        if found is None:
            raise NotFound(f"comment {comment_id!r} does not exist in this project")
        return found

    async def page(self, project_id: ProjectId, query: CommentQuery) -> tuple[list[Comment], int]:
        """A page (limit/offset pagination), newest first, and the total count."""
        if query.object_id is not None and query.object_type is None:
            raise InvalidRequest("objectId needs objectType: ids are unique within their type only")
        async with self._database.reading() as connection:
            return await CommentStore(connection, project_id).about(query)

    async def give_feedback(self, feedback: Feedback) -> Feedback:
        async with self._database.work() as work:
            await FeedbackStore(work.connection, feedback.project_id).add(feedback)
        return feedback

    async def _exists(self, project_id: ProjectId, object_type: CommentedType, object_id: str) -> bool:
        if object_type == "TRACE":
            found = await self._tracing.traces(project_id, TraceQuery(ids=(TraceId(object_id),), limit=1))
            return bool(found.items)
        if object_type == "OBSERVATION":
            wanted = ObservationQuery(ids=(ObservationId(object_id),), limit=1)
            return bool((await self._tracing.observations(project_id, wanted)).items)
        if object_type == "SESSION":
            traces = await self._tracing.traces(project_id, TraceQuery(session_id=object_id, limit=1))
            return bool(traces.items)
        same = Condition(type="string", column="id", operator="=", value=object_id)
        return bool((await self._prompts.page(project_id, PromptQuery(conditions=(same,), limit=1))).items)
