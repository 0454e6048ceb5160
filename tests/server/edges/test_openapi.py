"""The committed description of the page API is what the code says."""

from pathlib import Path

from sightline.server.edges.openapi import document, text

COMMITTED = Path(__file__).parents[3] / "web" / "openapi.json"


def test_the_committed_document_has_not_drifted():
    assert COMMITTED.read_text() == text(), "run: python -m sightline.server.edges.openapi > web/openapi.json"


def test_it_describes_the_page_api_and_nothing_else():
    described = document()
    assert {"/api/web/session", "/api/web/projects/{projectId}/traces/{traceId}"} <= set(described["paths"])
    assert all(path.startswith("/api/web/") for path in described["paths"])


def test_answers_are_precise_and_events_are_described_too():
    schemas = document()["components"]["schemas"]
    assert {"HintEvent", "TokenEvent", "DoneEvent", "ErrorEvent"} <= set(schemas)
    row = schemas["TraceRow"]
    assert set(row["required"]) == set(row["properties"])
    assert row["properties"]["thumbnail"] == {"anyOf": [{"type": "string"}, {"type": "null"}], "title": "Thumbnail"}
