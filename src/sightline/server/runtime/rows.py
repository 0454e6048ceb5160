"""A generic repository: rows of one table that belong to one project, as records."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Row, Table, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

Record = TypeVar("Record")


class ProjectRows(Generic[Record]):
    """A table with `project_id`, `id` and `created_at`; no method sees a row of another project.

    `record` makes a record of a row's columns, `row` the columns of a record.
    """

    def __init__(
        self,
        connection: AsyncConnection,
        table: Table,
        project_id: str,
        record: Callable[[Mapping[str, Any]], Record],
        row: Callable[[Record], Mapping[str, Any]],
    ) -> None:
        self.connection = connection
        self.table = table
        self.mine = table.c.project_id == project_id
        self._record = record
        self._row = row

    async def one(self, row_id: str) -> Record | None:
        return await self.first(self.table.c.id == row_id)

    async def first(self, *where: ColumnElement[bool]) -> Record | None:
        row = (await self.connection.execute(select(self.table).where(self.mine, *where))).first()
        return self._of(row) if row else None

    async def every(self, *where: ColumnElement[bool]) -> list[Record]:
        """Newest first."""
        rows = (await self.connection.execute(self._newest_first(where))).all()
        return [self._of(row) for row in rows]

    async def page(self, limit: int, offset: int, *where: ColumnElement[bool]) -> tuple[list[Record], int]:
        """A page (limit/offset pagination), newest first, and the total count."""
        counted = select(func.count()).select_from(self.table).where(self.mine, *where)
        total = (await self.connection.execute(counted)).scalar_one()
        rows = (await self.connection.execute(self._newest_first(where).limit(limit).offset(offset))).all()
        return [self._of(row) for row in rows], total

    async def following(
        self, limit: int, after: tuple[datetime, str] | None, *where: ColumnElement[bool]
    ) -> tuple[list[Record], bool]:
        """Keyset pagination, newest first, after that creation time and id; over-fetches one row for `more`."""
        clauses = list(where)
        if after is not None:
            made, row_id = after
            columns = self.table.c
            clauses.append((columns.created_at < made) | ((columns.created_at == made) & (columns.id > row_id)))
        rows = (await self.connection.execute(self._newest_first(clauses).limit(limit + 1))).all()
        return [self._of(row) for row in rows[:limit]], len(rows) > limit

    async def add(self, record: Record) -> None:
        await self.connection.execute(insert(self.table).values(self._row(record)))

    async def add_once(self, record: Record, natural_key: str) -> tuple[Record, bool]:
        """Idempotent insert: the row of this natural key, and whether it is new. Losing a race is an IntegrityError."""
        known = await self.first(self.table.c.natural_key == natural_key)
        if known is not None:
            return known, False
        await self.connection.execute(insert(self.table).values(dict(self._row(record)) | {"natural_key": natural_key}))
        return record, True

    async def rekey(self, row_id: str, natural_key: str | None) -> None:
        """Update the natural key of a row that changed; NULL where another row has the key already."""
        taken = natural_key is not None and await self.first(
            self.table.c.natural_key == natural_key, self.table.c.id != row_id
        )
        at = self.mine, self.table.c.id == row_id
        await self.connection.execute(update(self.table).where(*at).values(natural_key=None if taken else natural_key))

    async def change(self, record: Record) -> None:
        values = self._row(record)
        at = self.mine, self.table.c.id == values["id"]
        await self.connection.execute(update(self.table).where(*at).values(values))

    async def delete(self, row_id: str) -> bool:
        """Whether there was such a row."""
        gone = await self.connection.execute(delete(self.table).where(self.mine, self.table.c.id == row_id))
        return bool(gone.rowcount)

    def _of(self, row: Row[Any]) -> Record:
        """The row as a record, without the natural key."""
        return self._record({name: value for name, value in row._mapping.items() if name != "natural_key"})

    def _newest_first(self, where: Sequence[ColumnElement[bool]]) -> Any:
        latest = self.table.c.created_at.desc(), self.table.c.id
        return select(self.table).where(self.mine, *where).order_by(*latest)
