"""A full disk, as the engine reports it: every way in answers 503 with Retry-After and a sentence, reads go on."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from server.cluster import Place
from server.edges.running_site import HERE, Site, one_span, opened, settings_in
from sightline.server.runtime.observations import engine_at

TABLES = ("observations", "traces", "scores", "changes")
PROTOBUF = {**HERE, "Content-Type": "application/x-protobuf"}
EVENT = {
    "id": "event",
    "type": "trace-create",
    "timestamp": "2026-11-02T12:00:00Z",
    "body": {"id": "of an event", "timestamp": "2026-11-02T12:00:00Z"},
}
WRITES: dict[str, Callable[[], tuple[str, dict[str, Any]]]] = {
    "spans": lambda: ("/v1/traces", {"content": one_span()[0].SerializeToString(), "headers": PROTOBUF}),
    "score": lambda: (
        "/api/public/scores",
        {"json": {"id": "s", "traceId": "t", "name": "good", "value": 1}, "headers": HERE},
    ),
    "event": lambda: ("/api/public/ingestion", {"json": {"batch": [EVENT]}, "headers": HERE}),
}


@pytest.fixture
async def full(tmp_path: Path, new_place: Callable[[Path], Place]) -> AsyncIterator[tuple[Site, str]]:
    """A site with one trace, whose tables find no disk with space enough."""
    place = new_place(tmp_path)
    async with opened(settings_in(tmp_path, place)) as site:
        sent = await site.send({"langfuse.trace.name": "before"})
        await site.get(f"/traces/{sent.trace_id}")
        engine = engine_at(place.observations)
        await engine.open()
        for table in TABLES:
            await engine.execute(f"ALTER TABLE {table} MODIFY SETTING min_free_disk_bytes_to_perform_insert = {10**15}")
        yield site, sent.trace_id
        for table in TABLES:
            await engine.execute(f"ALTER TABLE {table} RESET SETTING min_free_disk_bytes_to_perform_insert")
        await engine.close()


@pytest.mark.parametrize("kind", WRITES)
async def test_what_cannot_be_stored_is_answered_503_and_reads_go_on(full: tuple[Site, str], kind: str):
    site, trace_id = full
    path, request = WRITES[kind]()
    answer = await site.client.post(path, **request)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5"), answer.text
    assert "the disk of the data folder is full. Send it again" in answer.text
    assert (await site.get(f"/traces/{trace_id}"))["name"] == "before"
    assert [trace["id"] for trace in (await site.get("/traces"))["data"]] == [trace_id]
