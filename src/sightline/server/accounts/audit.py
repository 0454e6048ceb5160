"""The audit log: who did what, to what, when, from where and with what outcome.

The door says once who acts (`acting`); whoever changes something calls `record` in the same unit of work, so that
there is no change without its row and no row without its change.
"""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from sightline.server.accounts.records import Actor, AuditAction, AuditEvent, AuditRow
from sightline.server.accounts.store import audit as store
from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Connection
from sightline.server.runtime.ids import new_id

AUDITED: Mapping[AuditAction, str] = {
    "sign-in": "Somebody signed in, or was refused.",
    "key.create": "An API key was created.",
    "key.delete": "An API key was deleted.",
    "member.add": "A person joined an organisation, or got a role of their own in a project.",
    "member.change": "A role was changed.",
    "member.remove": "A person left an organisation, or lost their own role in a project.",
    "person.delete": "A person was erased.",
    "invitation.create": "A one-time link for an invited person was made.",
    "invitation.accept": "An invited person accepted.",
    "invitation.decline": "An invited person declined.",
    "password.set": "A person set or changed their password.",
    "session.end": "A person ended sessions of theirs.",
    "project.create": "A project was created.",
    "project.change": "A project's name, metadata, retention or protected labels were changed.",
    "project.delete": "A project was deleted with all it held.",
    "organization.delete": "An organisation was deleted with all it held.",
    "trace.delete": "A trace was deleted.",
    "session.delete": "A session was deleted.",
    "score.delete": "A score was deleted.",
    "dataset.delete": "A dataset was deleted.",
    "dataset-item.delete": "An item of a dataset was deleted.",
    "dataset-run.delete": "A run of a dataset was deleted.",
    "prompt.delete": "A prompt, or versions of it, were deleted.",
    "skill.delete": "A version of a skill was deleted.",
    "label.move": "Labels of a prompt or a skill were moved.",
    "export.change": "An export was set up or changed.",
    "export.delete": "An export was deleted.",
}
"""Every action and what it says."""

SYSTEM = Actor(kind="system")
"""Jobs, and the first accounts that settings ask for."""
_ACTING: ContextVar[Actor] = ContextVar("acting", default=SYSTEM)


def acting(actor: Actor) -> None:
    """Whoever acts from here on in this context: a request, or a call of gRPC."""
    _ACTING.set(actor)


def acting_now() -> Actor:
    return _ACTING.get()


def of_project(action: AuditAction, project_id: str, kind: str, target_id: str | None, **details: Any) -> AuditEvent:
    """An event about something in a project."""
    return AuditEvent(action=action, target_kind=kind, target_id=target_id, project_id=project_id, details=details)


async def record(connection: Connection, *events: AuditEvent) -> None:
    """Append rows in the caller's transaction, in the name of who acts."""
    actor, moment = acting_now(), now()
    rows = [AuditRow(id=new_id(), at=moment, actor=each.by or actor, event=each) for each in events]
    await store.append(connection, rows)


async def forget_words(connection: Connection, project_ids: Sequence[str]) -> None:
    """At the end of projects: their rows stay, without ids and names that clients chose."""
    await store.forget_words(connection, project_ids)
