"""Exports of a project with some rows, and their round, over a store in memory."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import obstore
from obstore.store import MemoryStore

from server.conftest import ELSEWHERE, HERE, Storage
from server.tracing.making import observation, score
from sightline.server.accounts.actions import Organizations
from sightline.server.accounts.records import OrganizationId
from sightline.server.exports.actions import BlobExports
from sightline.server.exports.jobs import ExportRound, OpenStore
from sightline.server.exports.records import BlobExport, ExportDraft
from sightline.server.runtime.leases import Leases
from sightline.server.runtime.seal import Seal
from sightline.server.tables.leases import leases as lease_table

LAB = OrganizationId("lab")
NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
DAYS = 5


class Desk:
    """Exports and their round over a store in memory."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.leases = Leases(storage.database, lease_table)
        self.seal = Seal(b"k" * 32)
        organizations = Organizations(storage.database, storage.accounts, pepper=b"pepper")
        self.exports = BlobExports(storage.database, organizations, self.leases, self.seal)
        self.store = MemoryStore()
        self.secrets: list[str | None] = []

    def round(self, open_store: OpenStore | None = None) -> ExportRound:
        @asynccontextmanager
        async def remembered(export: BlobExport, secret: str | None) -> AsyncIterator[MemoryStore]:
            self.secrets.append(secret)
            yield self.store

        return ExportRound(
            self.storage.database, self.storage.tracing, self.leases, self.seal, open_store or remembered
        )

    def files(self) -> dict[str, bytes]:
        paths = [entry["path"] for batch in obstore.list(self.store) for entry in batch]
        return {path: bytes(obstore.get(self.store, path).bytes()) for path in sorted(paths)}


def draft(**more: Any) -> ExportDraft:
    given: dict[str, Any] = {
        "project_id": HERE,
        "kind": "S3",
        "bucket_name": "bucket",
        "region": "us-east-1",
        "access_key_id": "key",
        "secret": "very secret",
        "prefix": "out/",
        "frequency": "hourly",
        "enabled": True,
        "force_path_style": True,
        "file_type": "JSONL",
        "mode": "FULL_HISTORY",
        "compressed": False,
    }
    return ExportDraft(**given | more)


async def seed(storage: Storage) -> None:
    """Two observations and a score a day, in the other project too."""
    for project in (HERE, ELSEWHERE):
        for day in range(DAYS):
            moment = NOW - timedelta(days=day, hours=1)
            spans = [
                replace(
                    observation(f"t{day}", f"o{day}-{number}", trace_user_id="ada", metadata={"k": '"v"'}),
                    project_id=project,
                    start_time=moment + timedelta(seconds=number),
                    end_time=moment + timedelta(seconds=number + 2),
                    input=f"in {day}, with a comma",
                    usage={"input": 3},
                )
                for number in range(2)
            ]
            await storage.tracing.record(project, spans)
            given = replace(score(f"s{day}"), project_id=project, trace_id=spans[0].trace_id, timestamp=moment)
            await storage.tracing.record_scores(project, [given])


def rows(files: dict[str, bytes], table: str) -> list[dict[str, Any]]:
    return [
        json.loads(line) for path, body in files.items() if f"/{table}/" in path for line in body.decode().splitlines()
    ]
