"""Protected labels: which labels of a project's prompts and skills only some may move, and the check."""

from collections.abc import Collection

from sightline.server.accounts import audit
from sightline.server.accounts.permissions import PERMISSIONS
from sightline.server.accounts.records import ProjectId
from sightline.server.accounts.store import accounts as store
from sightline.server.runtime.database import Connection
from sightline.server.runtime.errors import Forbidden, InvalidRequest

LATEST = "latest"
"""The label that the newest version always has."""


def protectable(labels: Collection[str]) -> list[str]:
    """The labels, sorted. InvalidRequest for `latest`, which every new version takes by itself."""
    if LATEST in labels:
        raise InvalidRequest(f"label {LATEST!r} always points at the newest version: it cannot be protected")
    return sorted(set(labels))


async def check_move(connection: Connection, project_id: ProjectId, labels: Collection[str], *, promotes: bool) -> None:
    """Forbidden when a protected label would move or go, and the caller does not hold `prompts.promote`."""
    if promotes or not labels:
        return
    project = await store.project(connection, project_id)
    protected = sorted(set(labels) & set(project.protected_labels)) if project else []
    if protected:
        held = PERMISSIONS["prompts.promote"]
        roles, scopes = " and ".join(sorted(held.roles)), " or ".join(sorted(held.scopes))
        raise Forbidden(
            f"label {', '.join(map(repr, protected))} is protected in this project: only {roles} "
            f"and keys with the scope {scopes} may move it or delete what has it"
        )


async def record_move(
    connection: Connection, project_id: ProjectId, kind: str, name: str, version: int, labels: Collection[str]
) -> None:
    """The row of the audit log, in the same transaction as the move."""
    if labels:
        event = audit.of_project("label.move", project_id, kind, name, version=version, labels=sorted(labels))
        await audit.record(connection, event)
