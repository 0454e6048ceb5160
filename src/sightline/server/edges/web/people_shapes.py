"""Answers and bodies of the page API about people: their account, one-time links, members."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from sightline.server.accounts.records import OrganizationRole
from sightline.server.edges.web.shapes import Shape


class PasswordChange(Shape):
    current: str | None = None
    """Not needed by whoever has none yet."""
    password: str


class OpenSession(Shape):
    id: str
    created_at: datetime
    expires_at: datetime
    address: str | None
    """The client's, when it signed in."""
    browser: str | None
    """Its User-Agent."""
    is_current: bool


class OpenSessions(Shape):
    data: list[OpenSession]


class LinkToken(Shape):
    token: str = Field(min_length=1, max_length=200)


class LinkPassword(LinkToken):
    password: str


class Link(Shape):
    purpose: Literal["password", "invitation"]
    email: str
    organization: str | None
    """The name of the one that invites."""
    role: OrganizationRole | None


class Member(Shape):
    id: str
    """As this organisation knows the person."""
    email: str
    name: str | None
    role: OrganizationRole
    joined: bool
    """False while it is an invitation."""
    is_me: bool


class Members(Shape):
    data: list[Member]
    may_manage: bool


Email = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=3, max_length=320, pattern=r"^[^@\s]+@[^@\s]+$")
]


class InvitationDraft(Shape):
    email: Email
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)] | None = None
    role: OrganizationRole = "MEMBER"


class MadeLink(Shape):
    link: str | None
    """Shown this once. Null where none is needed: somebody who had joined before is a member again."""


class Invitation(MadeLink):
    member: Member


class MemberChange(Shape):
    role: OrganizationRole
