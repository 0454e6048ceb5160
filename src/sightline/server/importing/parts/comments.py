"""Comments on traces, observations, sessions and prompts."""

from collections.abc import Sequence

from sightline.server.importing.parts.part import Part
from sightline.server.importing.reading import Pages, Reader, Row
from sightline.server.importing.wire import Refused, again


class Comments(Part):
    """Deduplicated by text and object, since the API gives each comment a new id and time."""

    name = "comments"
    groups = frozenset(("comments",))

    async def reader(self) -> Reader | None:
        if not await self.source.has("/comments", limit=1):
            return None
        return Pages(api=self.source, path="/comments")

    async def carry(self, rows: Sequence[Row]) -> None:
        for row in reversed(rows):
            if row["objectType"] == "PROMPT":
                row["objectId"] = self.state.ids("prompts").get(row["objectId"], row["objectId"])
            try:
                await again(lambda row=row: self._put(row))  # type: ignore[misc]
            except Refused as problem:
                self.leave(row["id"], problem.message)
            else:
                self.carried()

    async def _put(self, row: Row) -> None:
        about = {"objectType": row["objectType"], "objectId": row["objectId"]}
        async for batch in Pages(api=self.target, path="/comments", params=about).batches({}):
            if any(_said(known) == _said(row) for known in batch.rows):
                return
        body = {"projectId": self.crossing.target_project, "content": row["content"], **about}
        await self.target.write_once("POST", "/comments", body | {"authorUserId": row.get("authorUserId")})


def _said(row: Row) -> tuple[str, str]:
    return row["content"], row.get("authorUserId") or ""
