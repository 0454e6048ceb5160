"""Deletions in the relational database, compiled from `belongings`, and the log of deletions."""

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.accounts.records import OrganizationId, ProjectId, UserId
from sightline.server.runtime.clock import now
from sightline.server.runtime.ids import new_id
from sightline.server.tables.accounts import memberships, organizations, projects, users
from sightline.server.tables.evals import dataset_items, dataset_runs
from sightline.server.tables.every import metadata
from sightline.server.tables.upkeep import removals
from sightline.server.upkeep.belongings import RELATIONAL
from sightline.server.upkeep.records import ERASED, How, Noted, Thing, Tie, steps


class RemovalStore:
    """Deletions in the relational database, in one unit of work."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def note(self, project_id: ProjectId, thing: Thing, ids: Sequence[str]) -> Noted:
        """Log a deletion before anything of it is done."""
        noted = Noted(id=new_id(), project_id=project_id, thing=thing, ids=ids, asked_at=now())
        await self._connection.execute(insert(removals).values(vars(noted) | {"ids": list(ids)}))
        return noted

    async def done(self, noted_id: str) -> None:
        """Its rows are deleted; their bytes may still be on the disk."""
        await self._connection.execute(update(removals).where(removals.c.id == noted_id).values(removed_at=now()))

    async def noted(self) -> list[Noted]:
        rows = (await self._connection.execute(select(removals).order_by(removals.c.asked_at))).all()
        return [Noted(**{**row._mapping, "thing": Thing(row.thing)}) for row in rows]

    async def forget(self, noted_ids: Sequence[str]) -> None:
        """Take deletions off the log: they are off the disk."""
        await self._connection.execute(delete(removals).where(removals.c.id.in_(noted_ids)))

    async def remove(self, project_id: ProjectId, thing: Thing, ids: Sequence[str]) -> None:
        """Delete the rows of a project that go with these objects."""
        for table, tie in _ties(thing, How.ROWS):
            when = [table.c[column] == value for column, value in tie.when.items()]
            for step in steps(ids):
                gone = table.c.project_id == project_id, table.c[tie.by].in_(step), *when
                await self._connection.execute(delete(table).where(*gone))

    async def named(self, project_id: ProjectId, thing: Thing) -> set[str]:
        """The objects of a kind that rows of a project go with."""
        found: set[str] = set()
        for table, tie in _ties(thing, How.ROWS):
            when = [table.c[column] == value for column, value in tie.when.items()]
            query = select(table.c[tie.by]).where(table.c.project_id == project_id, *when).distinct()
            found |= {row[0] for row in await self._connection.execute(query) if row[0]}
        return found

    async def of_dataset(self, project_id: ProjectId, dataset_id: str) -> tuple[list[str], list[str]]:
        """The ids of a dataset's items and of its runs."""
        found = []
        for table in (dataset_items, dataset_runs):
            mine = table.c.project_id == project_id, table.c.dataset_id == dataset_id
            rows = await self._connection.execute(select(table.c.id).where(*mine).distinct())
            found.append([row.id for row in rows])
        return found[0], found[1]

    async def remove_project(self, project_id: ProjectId) -> None:
        await self._connection.execute(delete(projects).where(projects.c.id == project_id))

    async def organization(self, organization_id: OrganizationId) -> str | None:
        """The name of an organisation."""
        query = select(organizations.c.name).where(organizations.c.id == organization_id)
        return (await self._connection.execute(query)).scalar()

    async def projects(self, organization_id: OrganizationId) -> list[ProjectId]:
        query = select(projects.c.id).where(projects.c.organization_id == organization_id)
        return [ProjectId(row.id) for row in await self._connection.execute(query)]

    async def remove_organization(self, organization_id: OrganizationId) -> None:
        """With the invitations it made, and its names of people whose account is another: no key leads there."""
        unjoined = users.c.joined_at.is_(None) | users.c.account_id.is_not(None)
        await self._connection.execute(delete(users).where(users.c.made_by == organization_id, unjoined))
        await self._connection.execute(delete(organizations).where(organizations.c.id == organization_id))

    async def person(self, user_id: UserId) -> dict[UserId, str]:
        """The ids under which organisations know an account, its own first, and the address of each."""
        mine = (users.c.id == user_id) | (users.c.account_id == user_id)
        query = select(users.c.id, users.c.email).where(mine).order_by(users.c.account_id.is_not(None), users.c.id)
        return {UserId(row.id): row.email for row in await self._connection.execute(query)}

    async def projects_of(self, user_id: UserId) -> list[ProjectId]:
        """The projects of the organisations that a person belongs to under this id."""
        query = select(projects.c.id).join(memberships, memberships.c.organization_id == projects.c.organization_id)
        rows = await self._connection.execute(query.where(memberships.c.user_id == user_id))
        return [ProjectId(row.id) for row in rows]

    async def people_at(self, email: str) -> list[UserId]:
        """The accounts and open invitations with this address: organisations write addresses down each for itself."""
        at = users.c.email == email.strip().lower(), users.c.account_id.is_(None)
        return [UserId(row.id) for row in await self._connection.execute(select(users.c.id).where(*at))]

    async def organizations_of(self, user_ids: Sequence[UserId]) -> list[OrganizationId]:
        query = select(memberships.c.organization_id).where(memberships.c.user_id.in_(user_ids)).distinct()
        return [OrganizationId(row.organization_id) for row in await self._connection.execute(query)]

    async def orphaned_by(self, user_ids: Sequence[UserId]) -> list[str]:
        """Names of the organisations whose only owner this person is; who has not joined yet owns nothing."""
        others = memberships.alias()
        is_owner = memberships.c.user_id.in_(user_ids) & (memberships.c.role == "OWNER")
        another = (
            select(others.c.user_id)
            .join(users, users.c.id == others.c.user_id)
            .where(
                others.c.organization_id == memberships.c.organization_id,
                others.c.role == "OWNER",
                others.c.user_id.not_in(user_ids),
                users.c.joined_at.is_not(None),
            )
        )
        query = select(organizations.c.name).join(memberships).where(is_owner, ~another.exists())
        return [row.name for row in await self._connection.execute(query)]

    async def erase(self, names: Sequence[str], project_id: ProjectId) -> None:
        """Rows that name a person as author name an erased one, in a project, or in all of them where it is empty."""
        for table, tie in _ties(Thing.PERSON, How.NAMELESS):
            where = [_in_project(table, project_id)] if project_id else []
            theirs = update(table).where(table.c[tie.by].in_(names), *where)
            await self._connection.execute(theirs.values({tie.by: ERASED}))

    async def remove_people(self, user_ids: Sequence[UserId]) -> None:
        await self._connection.execute(delete(users).where(users.c.id.in_(user_ids)))


def _in_project(table: Table, project_id: ProjectId) -> ColumnElement[bool]:
    """Whether a row is a project's, by its own column or by that of the row it belongs to."""
    if "project_id" in table.c:
        return table.c.project_id == project_id
    [owner] = [each for each in table.foreign_keys if "project_id" in each.column.table.c]
    return owner.parent.in_(select(owner.column).where(owner.column.table.c.project_id == project_id))


def _ties(thing: Thing, how: How) -> Iterator[tuple[Table, Tie]]:
    """The relational tables with rows that go with an object in this way; files have a use count of their own."""
    for place in RELATIONAL:
        for tie in place.ties:
            if tie.thing is thing and tie.how is how and place.name != "media_links":
                yield metadata.tables[place.name], tie
