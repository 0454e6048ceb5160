"""The judges of the contract's tests: what they must not let through."""

from typing import Any

import pytest

from server.contract import published, sdk_answers
from server.contract.schemas import complaints, from_openapi

COMMENT = {
    "id": "c",
    "projectId": "here",
    "createdAt": "2026-05-01T10:00:00.000Z",
    "updatedAt": "2026-05-01T10:00:00+02:00",
    "objectType": "TRACE",
    "objectId": "t",
    "content": "look",
    "authorUserId": None,
}
READ = "GET /api/public/comments/{commentId}"


def judged(body: Any) -> tuple[list[str], list[str]]:
    """What the document and what the SDK would have in a comment."""
    document, sdk = published.success(READ), sdk_answers.answer(READ, 200)
    assert document is not None
    assert sdk is not None
    return complaints(document[1], body), complaints(sdk, body)


def test_what_fits_is_let_through():
    assert judged(COMMENT) == ([], [])


@pytest.mark.parametrize(
    "wrong",
    [
        {"objectId": 7},
        {"objectType": "trace"},
        {"createdAt": "yesterday"},
        {"createdAt": "2026-05-01"},
        {"createdAt": "2026-13-01T10:00:00Z"},
        {"createdAt": None},
        {"content": None},
    ],
)
def test_wrong_types_words_and_times_are_not(wrong: dict[str, Any]):
    document, sdk = judged(COMMENT | wrong)
    assert document
    assert sdk


@pytest.mark.parametrize("name", ["id", "projectId", "createdAt", "objectType", "content"])
def test_a_missing_field_is_not(name: str):
    document, sdk = judged({key: value for key, value in COMMENT.items() if key != name})
    assert document
    assert sdk


def test_null_fits_only_where_it_is_allowed():
    either = {"components": {"schemas": {"Word": {"type": "string", "enum": ["a"]}}}}
    schema = {
        "type": "object",
        "properties": {
            "nullable": {"type": "string", "nullable": True},
            "word": {"$ref": "#/components/schemas/Word", "nullable": True},
            "plain": {"$ref": "#/components/schemas/Word"},
        },
        "required": ["plain"],
    }
    made = from_openapi(schema, either["components"])
    assert complaints(made, {"nullable": None, "word": None, "plain": "a"}) == []
    wrong = complaints(made, {"nullable": 1, "word": "b", "plain": None})
    assert {said.partition(":")[0] for said in wrong} == {"$.nullable", "$.word", "$.plain"}


def test_a_union_is_read_by_its_tag():
    status_and_schema = published.success("GET /api/public/v2/prompts/{promptName}")
    assert status_and_schema is not None
    chat = {"type": "chat", "name": "n", "version": 1, "config": {}, "labels": [], "tags": []}
    assert complaints(status_and_schema[1], chat | {"prompt": [{"role": "user", "content": "c"}]}) == []
    assert complaints(status_and_schema[1], chat | {"prompt": "text"}) != []
    assert complaints(status_and_schema[1], chat | {"prompt": "text", "type": "text"}) == []


def test_every_union_and_outdated_part_is_in_the_document():
    schemas = published.document()["components"]["schemas"]
    assert {part for _, parts in published.UNIONS.values() for part in parts.values()} <= set(schemas)
    assert all(schemas[name] == {} for name in published.OUTDATED)


def test_the_sdk_and_the_document_know_most_operations_between_them():
    both = [key for key in published.operations() if published.success(key) and sdk_answers.answer(key, 200)]
    assert len(both) > 60
