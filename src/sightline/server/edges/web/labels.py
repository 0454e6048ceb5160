"""Which labels of prompts and skills are protected in the project."""

from typing import Annotated

from fastapi import APIRouter

from sightline.server.accounts.records import Access
from sightline.server.edges.access import member_for
from sightline.server.edges.bodies import PlainJson
from sightline.server.edges.services import Served
from sightline.server.edges.web import shapes

router = APIRouter(route_class=PlainJson, prefix="/projects/{projectId}/protected-labels")

Reader = Annotated[Access, member_for("project.read")]
Manager = Annotated[Access, member_for("project.manage")]


@router.get("")
async def read(who: Reader, services: Served) -> shapes.ProtectedLabels:
    project = await services.accounts.project(who.project_id)
    return shapes.ProtectedLabels(labels=list(project.protected_labels))


@router.put("")
async def replace(body: shapes.ProtectedLabels, who: Manager, services: Served) -> shapes.ProtectedLabels:
    """From now on only those move these labels who hold `prompts.promote`; the others are free."""
    project = await services.accounts.protect_labels(who.project_id, body.labels)
    return shapes.ProtectedLabels(labels=list(project.protected_labels))
