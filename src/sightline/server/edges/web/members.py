"""The members of the project's organisation. A link is in one answer only: the database keeps a hash."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from sightline.server.accounts.records import Access, Membership, UserId
from sightline.server.edges.access import member_for
from sightline.server.edges.bodies import PlainJson
from sightline.server.edges.services import Served, Services, base_url
from sightline.server.edges.web import people_shapes

router = APIRouter(route_class=PlainJson, prefix="/projects/{projectId}/members")

Reader = Annotated[Access, member_for("people.read")]
Manager = Annotated[Access, member_for("people.manage")]
Leaver = Annotated[Access, member_for("membership.own")]


@router.get("")
async def members(who: Reader, services: Served) -> people_shapes.Members:
    found, may_manage = await services.members.listed(who)
    return people_shapes.Members(data=[_member(each, who) for each in found], may_manage=may_manage)


@router.post("", status_code=201)
async def invite(
    body: people_shapes.InvitationDraft, who: Manager, request: Request, services: Served
) -> people_shapes.Invitation:
    """Invite an address. Whether it has an account here is neither asked nor told."""
    member, token = await services.members.invite(who, body.email, body.name, body.role)
    return people_shapes.Invitation(member=_member(member, who), link=_link(token, request, services))


@router.post("/{userId}/link", status_code=201)
async def link(
    user_id: Annotated[str, Path(alias="userId")], who: Manager, request: Request, services: Served
) -> people_shapes.MadeLink:
    """A new link for somebody who has not joined yet; the one before stops working."""
    token = await services.members.link(who, UserId(user_id))
    return people_shapes.MadeLink(link=_link(token, request, services))


@router.patch("/{userId}")
async def change(
    user_id: Annotated[str, Path(alias="userId")], body: people_shapes.MemberChange, who: Manager, services: Served
) -> people_shapes.Member:
    return _member(await services.members.change(who, UserId(user_id), body.role), who)


@router.delete("/me", status_code=204)
async def leave(who: Leaver, services: Served) -> Response:
    """Leave the organisation: it takes another invitation to come back."""
    await services.members.leave(who)
    return Response(status_code=204)


@router.delete("/{userId}", status_code=204)
async def remove(user_id: Annotated[str, Path(alias="userId")], who: Manager, services: Served) -> Response:
    await services.members.remove(who, UserId(user_id))
    return Response(status_code=204)


def _link(token: str, request: Request, services: Services) -> str | None:
    """In the fragment, so that it reaches no server's log."""
    return f"{base_url(request, services)}/link#token={token}" if token else None


def _member(membership: Membership, who: Access) -> people_shapes.Member:
    user = membership.user
    return people_shapes.Member(
        id=user.id,
        email=user.email,
        name=user.name,
        role=membership.role,
        joined=membership.joined,
        is_me=user.id == who.user_id,
    )
