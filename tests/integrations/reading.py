"""Traces read back through the public API, as a person looks at them: by name, with who is inside whom."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import httpx2

FIELDS = "core,basic,time,io,metadata,model,usage,prompt,metrics,trace_context"


@dataclass(frozen=True)
class Observation:
    """One observation of the observations endpoint, and what is directly inside it."""

    row: dict[str, Any]
    children: "list[Observation]"

    def __getattr__(self, field: str) -> Any:
        try:
            return self.row[field]
        except KeyError:
            raise AttributeError(
                f"the observation {self.row.get('name')!r} has no {field}: {sorted(self.row)}"
            ) from None

    @cached_property
    def given(self) -> Any:
        """The input, decoded where it is JSON."""
        return decoded(self.row.get("input"))

    @cached_property
    def made(self) -> Any:
        """The output, decoded where it is JSON."""
        return decoded(self.row.get("output"))

    def shape(self) -> Any:
        """`TYPE name`, or that with the shapes of what is inside: what a person sees in the tree."""
        own = f"{self.row['type']} {self.row['name']}"
        return (own, [child.shape() for child in self.children]) if self.children else own

    def walk(self) -> "Iterator[Observation]":
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class Traces:
    """What a program left, root by root in the order they began."""

    roots: list[Observation]
    printed: str

    def all(self) -> list[Observation]:
        return [each for root in self.roots for each in root.walk()]

    def named(self, name: str) -> list[Observation]:
        return [each for each in self.all() if each.name == name]

    def one(self, name: str) -> Observation:
        [found] = self.named(name)
        return found

    def of_type(self, kind: str) -> list[Observation]:
        return [each for each in self.all() if each.type == kind]


class Reader:
    """The observations endpoint with a project's key pair."""

    def __init__(self, server: str, keys: tuple[str, str]) -> None:
        self._server = server
        self._keys = keys

    def traces_since(self, moment: datetime, *, printed: str) -> Traces:
        newest_first = list(self._rows(fromStartTime=moment.isoformat(), fields=FIELDS, limit=100))
        observations = {row["id"]: Observation(row, []) for row in reversed(newest_first)}
        roots = []
        for one in observations.values():
            parent = observations.get(one.row["parentObservationId"] or "")
            (parent.children if parent else roots).append(one)
        return Traces(roots, printed)

    def _rows(self, **params: Any) -> Iterator[dict[str, Any]]:
        while True:
            page = self.get("/v2/observations", **params)
            yield from page["data"]
            if not page["meta"].get("cursor"):
                return
            params["cursor"] = page["meta"]["cursor"]

    def trace_cost_usd(self, root: Observation) -> float:
        """What the server says that a whole trace cost."""
        return float(self.get(f"/traces/{root.traceId}")["totalCost"])

    def download(self, url: str) -> bytes:
        """A stored file by the signed address that the server gave for it."""
        return httpx2.get(url, timeout=60).raise_for_status().content

    def get(self, path: str, **params: Any) -> Any:
        answer = httpx2.get(f"{self._server}/api/public{path}", params=params, auth=self._keys, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()


def decoded(text: str | None) -> Any:
    try:
        return json.loads(text) if text else text
    except ValueError:
        return text
