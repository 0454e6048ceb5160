"""What the document and the SDK say of an answer."""

from typing import Any

from server.contract import published, sdk_answers
from server.contract.calls import Call
from server.contract.schemas import complaints


def complaints_of(call: Call, status: int, body: Any) -> list[str]:
    """What neither the document nor the SDK would have in an answer."""
    expected = published.success(call.key)
    read = sdk_answers.answer(call.key, status)
    if call.shape:
        expected = (status, published.component(call.shape))
    schemas = {"document": expected[1] if expected else None, "SDK": read}
    assert any(schemas[judge] for judge in call.judges), "nobody says what this answer looks like"
    return [
        f"{judge}: {complaint}"
        for judge in call.judges
        if (schema := schemas[judge]) is not None
        for complaint in complaints(schema, body)
    ]
