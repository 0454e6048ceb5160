"""What happened in the project, for its owners and admins."""

from typing import Annotated

from fastapi import APIRouter, Query

from sightline.server.accounts.records import Access
from sightline.server.edges.access import member_for
from sightline.server.edges.audit_pages import AuditParams, audit_page
from sightline.server.edges.services import Served
from sightline.server.edges.web import shapes

router = APIRouter(prefix="/projects/{projectId}/audit")

Reader = Annotated[Access, member_for("audit.read")]


@router.get("")
async def page(who: Reader, services: Served, params: Annotated[AuditParams, Query()]) -> shapes.AuditPage:
    """A page of the audit log (cursor pagination), newest first."""
    return shapes.AuditPage.model_validate(await audit_page(services, params, project_id=who.project_id))
