"""The audit log of an organisation, for its keys. Ours: Langfuse has no public path for it."""

from typing import Annotated

from fastapi import APIRouter, Query

from sightline.server.accounts.records import OrganizationAccess
from sightline.server.edges.access import organization_key_for
from sightline.server.edges.answers import Json
from sightline.server.edges.audit_pages import AuditParams, audit_page
from sightline.server.edges.services import Served

router = APIRouter(prefix="/api/public/organizations/auditLogs")

Reader = Annotated[OrganizationAccess, organization_key_for("audit.read")]


@router.get("")
async def page(who: Reader, services: Served, params: Annotated[AuditParams, Query()]) -> Json:
    """What people and keys did in the organisation and its projects, and how its people signed in; newest first."""
    return Json(await audit_page(services, params, organization_id=who.organization_id))
