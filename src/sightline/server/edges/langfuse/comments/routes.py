"""Comments and feedback through Langfuse's paths."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from sightline.server.accounts.records import Access, ProjectId
from sightline.server.edges.access import key_for
from sightline.server.edges.answers import Json, iso
from sightline.server.edges.bodies import PlainJson
from sightline.server.edges.langfuse.wire.bodies import Body
from sightline.server.edges.params import Paged
from sightline.server.edges.services import Served
from sightline.server.reviews.records import (
    Comment,
    CommentedType,
    CommentId,
    CommentQuery,
    Feedback,
    FeedbackId,
    FeedbackTarget,
)
from sightline.server.runtime.clock import now
from sightline.server.runtime.errors import InvalidRequest
from sightline.server.runtime.ids import new_id

router = APIRouter(route_class=PlainJson, prefix="/api/public")

Reader = Annotated[Access, key_for("annotations.read")]
Writer = Annotated[Access, key_for("annotations.write")]
Teller = Annotated[Access, key_for("project.read")]

LONGEST_COMMENT = 5_000
"""Characters of a comment."""


class CommentBody(Body):
    project_id: str
    object_type: CommentedType
    object_id: str = Field(min_length=1, max_length=255)
    content: str = Field(min_length=1, max_length=LONGEST_COMMENT)
    author_user_id: str | None = Field(default=None, max_length=255)

    def comment(self, project_id: ProjectId) -> Comment:
        if self.project_id != project_id:
            raise InvalidRequest(f"projectId {self.project_id!r} is not the project of this key, {project_id!r}")
        moment = now()
        fields: dict[str, Any] = vars(self) | {"project_id": project_id}
        return Comment(id=CommentId(new_id()), created_at=moment, updated_at=moment, **fields)


class CommentParams(Paged):
    object_type: CommentedType | None = None
    object_id: str | None = None
    author_user_id: str | None = None

    def query(self) -> CommentQuery:
        return CommentQuery(
            object_type=self.object_type,
            object_id=self.object_id,
            author_user_id=self.author_user_id,
            limit=self.limit,
            offset=self.offset,
        )


class FeedbackBody(Body):
    target_type: FeedbackTarget
    target: str = Field(min_length=1, max_length=500)
    feedback: str = Field(min_length=1, max_length=10_000)
    goal: str | None = Field(default=None, max_length=5_000)
    reference_url: str | None = Field(default=None, max_length=2_000)

    def record(self, project_id: ProjectId) -> Feedback:
        return Feedback(
            id=FeedbackId(new_id()),
            project_id=project_id,
            target_type=self.target_type,
            target=self.target,
            text=self.feedback,
            goal=self.goal,
            reference_url=self.reference_url,
            created_at=now(),
        )


@router.get("/comments")
async def list_comments(who: Reader, services: Served, params: Annotated[CommentParams, Query()]) -> Json:
    comments, total = await services.comments.page(who.project_id, params.query())
    return Json(params.paged([_comment(each) for each in comments], total))


@router.post("/comments")
async def create(body: CommentBody, who: Writer, services: Served) -> Json:
    comment = await services.comments.create(body.comment(who.project_id))
    return Json({"id": comment.id})


@router.get("/comments/{commentId}")
async def read(commentId: str, who: Reader, services: Served) -> Json:
    return Json(_comment(await services.comments.get(who.project_id, CommentId(commentId))))


@router.post("/feedback")
async def give_feedback(body: FeedbackBody, who: Teller, services: Served) -> Json:
    """Store feedback on the platform; it stays on this installation."""
    feedback = await services.comments.give_feedback(body.record(who.project_id))
    return Json({"id": feedback.id}, status_code=201)


def _comment(comment: Comment) -> dict[str, Any]:
    return {
        "id": comment.id,
        "projectId": comment.project_id,
        "objectType": comment.object_type,
        "objectId": comment.object_id,
        "content": comment.content,
        "authorUserId": comment.author_user_id,
        "createdAt": iso(comment.created_at),
        "updatedAt": iso(comment.updated_at),
    }
