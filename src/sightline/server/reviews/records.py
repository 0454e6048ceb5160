"""What people say about traces: comments, queues of things to look at, feedback."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NewType

from sightline.server.accounts.records import ProjectId, UserId

CommentId = NewType("CommentId", str)
QueueId = NewType("QueueId", str)
QueueItemId = NewType("QueueItemId", str)
FeedbackId = NewType("FeedbackId", str)

CommentedType = Literal["TRACE", "OBSERVATION", "SESSION", "PROMPT"]
QueuedType = Literal["TRACE", "OBSERVATION", "SESSION"]
QueueStatus = Literal["PENDING", "COMPLETED"]
FeedbackTarget = Literal["skill", "mcp-tool", "cli", "docs", "public-api", "other"]


@dataclass(frozen=True, kw_only=True)
class Comment:
    id: CommentId
    project_id: ProjectId
    object_type: CommentedType
    object_id: str
    """For a prompt, the id of one of its versions."""
    content: str
    """Markdown."""
    author_user_id: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class CommentQuery:
    object_type: CommentedType | None = None
    object_id: str | None = None
    author_user_id: str | None = None
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True, kw_only=True)
class Queue:
    """Things for people to look at and to score by these configs."""

    id: QueueId
    project_id: ProjectId
    name: str
    description: str | None
    score_config_ids: Sequence[str]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class QueueItem:
    id: QueueItemId
    project_id: ProjectId
    queue_id: QueueId
    object_id: str
    object_type: QueuedType
    status: QueueStatus
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """Who is to work through a queue."""

    project_id: ProjectId
    queue_id: QueueId
    user_id: UserId


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """Feedback on the platform itself; it stays on this installation."""

    id: FeedbackId
    project_id: ProjectId
    target_type: FeedbackTarget
    target: str
    text: str
    goal: str | None
    reference_url: str | None
    created_at: datetime
