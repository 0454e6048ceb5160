"""Prompts with all their versions and labels: a version keeps its number, for observations refer to it."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from sightline.server.importing.parts.part import Part
from sightline.server.importing.reading import Pages, Reader, Row
from sightline.server.importing.wire import Refused, again

LATEST = "latest"
"""The label that the server itself moves."""
FILLER = "sightline import: holds the number of a version that was deleted"
"""The commit message of a version that is made only so that the next one gets its number."""


class Prompts(Part):
    name = "prompts"
    groups = frozenset(("prompts",))

    async def reader(self) -> Reader:
        self._waiting: dict[str, tuple[Row, str]] = {}
        """Deferred: prompts that include one that is not here yet, and the target's error."""
        return Pages(api=self.source, path="/v2/prompts")

    async def carry(self, rows: Sequence[Row]) -> None:
        for row in rows:
            await self._try(row)

    async def finish(self) -> None:
        """Retry the deferred prompts until a pass makes no progress (fixed point)."""
        before = -1
        while self._waiting and len(self._waiting) != before:
            before = len(self._waiting)
            for row, _ in list(self._waiting.values()):
                await self._try(row)
        for name, (_, reason) in self._waiting.items():
            self.leave(name, reason)

    async def _try(self, row: Row) -> None:
        self._waiting.pop(row["name"], None)
        try:
            await again(lambda: self._put(row))
        except Refused as problem:
            self._waiting[row["name"]] = row, problem.message
        else:
            self.carried()

    async def _put(self, summary: Row) -> None:
        """All versions of a prompt, in their order; what is here already must be the same."""
        name = summary["name"]
        theirs = sorted(summary["versions"])
        ours = await _versions(self.target, name)
        for version in theirs:
            prompt = await self._theirs(name, version)
            if version in ours:
                await self._compare(prompt, await self._ours(name, version))
            else:
                for gap in range(max(ours, default=0) + 1, version):
                    await self._fill(summary, gap)
                await self._make(prompt)
                ours |= set(range(1, version + 1))
            self.state.ids("prompts")[prompt.get("id") or ""] = (await self._ours(name, version))["id"]
        await self._remove_fillers(name, set(theirs))

    async def _make(self, prompt: Row) -> None:
        body = {
            "name": prompt["name"],
            "type": prompt["type"],
            "prompt": prompt["prompt"],
            "config": prompt.get("config"),
            "labels": [label for label in prompt.get("labels") or () if label != LATEST],
            "tags": prompt.get("tags") or [],
            "commitMessage": prompt.get("commitMessage"),
        }
        await self._make_as(body, prompt["version"])

    async def _fill(self, summary: Row, version: int) -> None:
        kind = summary.get("type", "text")
        content: Any = "-" if kind == "text" else [{"role": "system", "content": "-"}]
        body = {"name": summary["name"], "type": kind, "prompt": content, "commitMessage": FILLER}
        await self._make_as(body, version)

    async def _make_as(self, body: Row, version: int) -> None:
        made = await self.target.write_once("POST", "/v2/prompts", body)
        if made["version"] != version:
            path = f"{_path(body['name'])}?version={made['version']}"
            await self.target.write("DELETE", path, None)
            raise Refused(
                409,
                f"version {version} would become {made['version']}: the target had versions of this prompt that were "
                "deleted; delete the prompt there and import it again",
            )

    async def _compare(self, theirs: Row, ours: Row) -> None:
        if (theirs["type"], theirs["prompt"]) != (ours["type"], ours["prompt"]):
            raise Refused(409, "the target has another prompt under this name and version")
        missing = set(theirs.get("labels") or ()) - set(ours["labels"]) - {LATEST}
        if missing:
            path = f"{_path(theirs['name'])}/versions/{theirs['version']}"
            await self.target.write("PATCH", path, {"newLabels": sorted(missing)})

    async def _remove_fillers(self, name: str, wanted: set[int]) -> None:
        for version in sorted(await _versions(self.target, name) - wanted):
            if (await self._ours(name, version)).get("commitMessage") == FILLER:
                await self.target.write("DELETE", f"{_path(name)}?version={version}", None)

    async def _theirs(self, name: str, version: int) -> Row:
        found: Row = await self.source.read(_path(name), version=version, resolve="false")
        return found

    async def _ours(self, name: str, version: int) -> Row:
        found: Row = await self.target.read(_path(name), version=version, resolve="false")
        return found


async def _versions(api: Any, name: str) -> set[int]:
    answer = await api.read("/v2/prompts", name=name, limit=100)
    return {version for row in answer["data"] if row["name"] == name for version in row["versions"]}


def _path(name: str) -> str:
    return f"/v2/prompts/{quote(name, safe='')}"
