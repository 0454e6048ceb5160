"""Rows of the audit log: appended and read; the words of a deleted project leave them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.accounts.records import Actor, AuditAction, AuditEvent, AuditQuery, AuditRow
from sightline.server.tables.accounts import memberships, projects
from sightline.server.tables.audit import audit_events

PERSONAL: Sequence[AuditAction] = ("sign-in", "password.set", "session.end")
"""What a person does for themselves, in no organisation."""
OURS = ("organization", "person", "key", "invitation")
"""Kinds of targets whose ids are made here; those of others are words of clients."""
LONGEST_ID = 1000
"""Characters kept of a target's id: clients choose those of traces and prompts."""


async def append(connection: AsyncConnection, rows: Sequence[AuditRow]) -> None:
    if not rows:
        return
    owners = await _organizations(connection, {row.event.project_id for row in rows if row.event.project_id})
    await connection.execute(insert(audit_events), [_values(row, owners) for row in rows])


async def forget_words(connection: AsyncConnection, project_ids: Sequence[str]) -> None:
    """Take from the rows of these projects what clients named: that something was done, by whom and when, stays."""
    table = audit_events.c
    theirs = table.project_id.in_(project_ids) & table.target_kind.not_in(OURS) & (table.action != "project.delete")
    await connection.execute(update(audit_events).where(theirs).values(target_id=None, details=null()))


async def page(connection: AsyncConnection, query: AuditQuery) -> list[AuditRow]:
    """One row more than the limit where there is one."""
    table = audit_events.c
    conditions = [_scope(query)]
    if query.start:
        conditions.append(table.at >= query.start)
    if query.end:
        conditions.append(table.at < query.end)
    if query.actor_id:
        conditions.append(table.actor_id == query.actor_id)
    if query.action:
        conditions.append(table.action == query.action)
    if query.before:
        at, row_id = query.before
        conditions.append(or_(table.at < at, (table.at == at) & (table.id < row_id)))
    statement = select(audit_events).where(*conditions).order_by(table.at.desc(), table.id.desc())
    return [_row(each) for each in (await connection.execute(statement.limit(query.limit + 1))).all()]


def _scope(query: AuditQuery) -> ColumnElement[bool]:
    """An organisation reads of its own, and what its people did with accounts, which belongs to no organisation."""
    table = audit_events.c
    if query.project_id is not None:
        return table.project_id == query.project_id
    people = select(memberships.c.user_id).where(memberships.c.organization_id == query.organization_id)
    theirs = table.action.in_(PERSONAL) & table.target_id.in_(people)
    return or_(table.organization_id == query.organization_id, theirs)


async def _organizations(connection: AsyncConnection, project_ids: set[str]) -> dict[str, str]:
    if not project_ids:
        return {}
    statement = select(projects.c.id, projects.c.organization_id).where(projects.c.id.in_(project_ids))
    return {row.id: row.organization_id for row in (await connection.execute(statement)).all()}


def _values(row: AuditRow, owners: dict[str, str]) -> dict[str, Any]:
    event = row.event
    return {
        "id": row.id,
        "at": row.at,
        "organization_id": event.organization_id or owners.get(event.project_id or ""),
        "project_id": event.project_id,
        "actor_kind": row.actor.kind,
        "actor_id": row.actor.id,
        "address": row.actor.address,
        "action": event.action,
        "target_kind": event.target_kind,
        "target_id": event.target_id and event.target_id[:LONGEST_ID],
        "outcome": event.outcome,
        "details": dict(event.details) or None,
    }


def _row(row: Row[Any]) -> AuditRow:
    event = AuditEvent(
        action=row.action,
        target_kind=row.target_kind,
        target_id=row.target_id,
        project_id=row.project_id,
        organization_id=row.organization_id,
        outcome=row.outcome,
        details=row.details or {},
    )
    return AuditRow(
        id=row.id, at=row.at, actor=Actor(kind=row.actor_kind, id=row.actor_id, address=row.address), event=event
    )
