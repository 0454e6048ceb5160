"""Pages of the audit log, the same for people on the page and for an organisation's key."""

from typing import Any

from pydantic import Field

from sightline.server.accounts.records import AuditAction, AuditQuery, AuditRow
from sightline.server.edges.answers import iso
from sightline.server.edges.cursors import cursor_position, cursor_text
from sightline.server.edges.params import Moment, Params
from sightline.server.edges.services import Services

CURSOR = ("at", "id")
"""Parts of the keyset cursor: time, then id as the tie-breaker."""


class AuditParams(Params):
    start: Moment | None = Field(None, alias="from")
    end: Moment | None = Field(None, alias="to")
    actor: str | None = None
    """A person's id, or the public half of a key."""
    action: AuditAction | None = None
    cursor: str | None = None
    limit: int = Field(50, ge=1, le=200)


async def audit_page(
    services: Services, params: AuditParams, *, project_id: str | None = None, organization_id: str | None = None
) -> dict[str, Any]:
    """The rows of a project or of an organisation, newest first."""
    before = cursor_position(params.cursor, *CURSOR) if params.cursor else None
    query = AuditQuery(
        project_id=project_id,
        organization_id=organization_id,
        start=params.start,
        end=params.end,
        actor_id=params.actor,
        action=params.action,
        before=(before[0], before[1][0]) if before else None,
        limit=params.limit,
    )
    rows, more = await services.audit.page(query)
    last = {"at": rows[-1].at.isoformat(), "id": rows[-1].id} if more else None
    return {"data": [_shape(row) for row in rows], "meta": {"cursor": cursor_text(last) if last else None}}


def _shape(row: AuditRow) -> dict[str, Any]:
    event, actor = row.event, row.actor
    return {
        "id": row.id,
        "at": iso(row.at),
        "actor": {"kind": actor.kind, "id": actor.id, "address": actor.address},
        "action": event.action,
        "target": {"kind": event.target_kind, "id": event.target_id},
        "projectId": event.project_id,
        "outcome": event.outcome,
        "details": dict(event.details),
    }
