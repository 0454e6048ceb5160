"""Natural keys make a repeated POST idempotent: for score configs, comments, queue items and models.

Rows that are equal already stay, since others may refer to them: the newest has the key. Run items, to which nothing
refers, are merged.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

from sightline.server.runtime.ids import digest_of

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | None = None
depends_on: str | None = None

KEYS: dict[str, tuple[str, ...]] = {
    "score_configs": ("name", "data_type", "description", "categories", "min_value", "max_value"),
    "comments": ("object_type", "object_id", "author_user_id", "content"),
    "annotation_queue_items": ("queue_id", "object_type", "object_id", "status"),
    "models": (),
}
"""What they are made of. A model that is there already has none until it is changed."""
UNKEYED = {"score_configs": "is_archived"}
"""Rows that are out of use leave their key to others."""

TYPES: dict[str, TypeEngine[Any]] = {"categories": sa.JSON(), "is_archived": sa.Boolean()}
"""Of the columns that do not read as texts and numbers."""


def upgrade() -> None:
    op.execute(
        sa.text(
            "DELETE FROM dataset_run_items WHERE id NOT IN (SELECT MIN(id) FROM dataset_run_items "
            "GROUP BY project_id, run_id, item_id, trace_id, COALESCE(observation_id, ''))"
        )
    )
    for table, columns in KEYS.items():
        op.add_column(table, sa.Column("natural_key", sa.String(64), nullable=True))
        if columns:
            _fill(table, columns)
        op.create_index(f"uq_{table}_natural_key", table, ["project_id", "natural_key"], unique=True)


def downgrade() -> None:
    for table in KEYS:
        op.drop_index(f"uq_{table}_natural_key", table)
        op.drop_column(table, "natural_key")


def _fill(table: str, columns: tuple[str, ...]) -> None:
    unused = UNKEYED.get(table)
    names = ("id", "project_id", "created_at", "natural_key", *columns, *([unused] if unused else []))
    here = sa.table(table, *(sa.column(name, TYPES.get(name)) for name in names))
    connection = op.get_bind()
    seen = set()
    for row in connection.execute(sa.select(here).order_by(here.c.created_at.desc(), here.c.id)).mappings().all():
        key = row["project_id"], digest_of(*(row[name] for name in columns))
        if key not in seen and not (unused and row[unused]):
            seen.add(key)
            connection.execute(sa.update(here).where(here.c.id == row["id"]).values(natural_key=key[1]))
