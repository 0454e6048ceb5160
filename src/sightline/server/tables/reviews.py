"""What people say about traces: comments, queues of things to look at, feedback."""

from sqlalchemy import JSON, Column, ForeignKey, Index, String, Table, Text, UniqueConstraint

from sightline.server.tables.accounts import ID, NATURAL_KEY, projects, users
from sightline.server.tables.metadata import UtcDateTime, metadata

OBJECT_ID = String(255)
"""Column type of the id of what is commented on or queued."""

comments = Table(
    "comments",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), nullable=False),
    Column("object_type", String(16), nullable=False),
    Column("object_id", OBJECT_ID, nullable=False),
    Column("content", Text, nullable=False),
    Column("author_user_id", String(255)),
    Column("natural_key", NATURAL_KEY),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index(None, "project_id", "object_type", "object_id"),
    Index("uq_comments_natural_key", "project_id", "natural_key", unique=True),
)

annotation_queues = Table(
    "annotation_queues",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), nullable=False),
    Column("name", String(255), nullable=False),
    Column("description", Text),
    Column("score_config_ids", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("project_id", "name"),
)

annotation_queue_items = Table(
    "annotation_queue_items",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), nullable=False),
    Column("queue_id", ForeignKey(annotation_queues.c.id, ondelete="CASCADE"), nullable=False),
    Column("object_id", OBJECT_ID, nullable=False),
    Column("object_type", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("completed_at", UtcDateTime),
    Column("natural_key", NATURAL_KEY),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index(None, "queue_id", "created_at"),
    Index(None, "project_id", "object_id"),
    Index("uq_annotation_queue_items_natural_key", "project_id", "natural_key", unique=True),
)

annotation_queue_assignments = Table(
    "annotation_queue_assignments",
    metadata,
    Column("queue_id", ForeignKey(annotation_queues.c.id, ondelete="CASCADE"), primary_key=True),
    Column("user_id", ForeignKey(users.c.id, ondelete="CASCADE"), primary_key=True, index=True),
    Column("created_at", UtcDateTime, nullable=False),
)

feedback = Table(
    "feedback",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("target_type", String(16), nullable=False),
    Column("target", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("goal", Text),
    Column("reference_url", Text),
    Column("created_at", UtcDateTime, nullable=False),
)
