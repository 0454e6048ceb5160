"""The guide's page of attributes, made from the tables: `python -m sightline.server.tracing.mapping.documented`."""

import sys
from collections.abc import Iterator, Sequence

from sightline.server.tracing.mapping import tables
from sightline.server.tracing.mapping.kind_tables import KIND_TABLES
from sightline.server.tracing.mapping.senders import (
    ADK,
    AG2,
    AGENTOPS,
    AI_SDK,
    CONVENTIONS,
    GENKIT,
    LAMINAR,
    LANGFUSE,
    LIVEKIT,
    LOGFIRE,
    LOONGSUITE,
    MLFLOW,
    NETRA,
    OPENINFERENCE,
    OPENLLMETRY,
    PYDANTIC_AI,
    RESPAN,
    STRANDS,
    TRACE_AI,
    TRACEROOT,
    Row,
    Sender,
)
from sightline.server.tracing.mapping.usage_tables import COST_DETAIL_ROWS, COST_ROWS, USAGE_DETAIL_ROWS, USAGE_ROWS

SENDERS: Sequence[tuple[str, Sender]] = (
    ("gen_ai.server.time_to_first_token", STRANDS),
    ("langfuse.", LANGFUSE),
    ("gen_ai.span.kind", TRACE_AI),
    ("gen_ai.session.id", LOONGSUITE),
    ("gen_ai.user.id", LOONGSUITE),
    ("lmnr.", LAMINAR),
    ("netra.", NETRA),
    ("agentops.", AGENTOPS),
    ("respan.", RESPAN),
    ("traceroot.", TRACEROOT),
    ("gen_ai.completion", OPENLLMETRY),
    ("gen_ai.prompt", OPENLLMETRY),
    ("gen_ai.", CONVENTIONS),
    ("gcp.vertex.agent.", ADK),
    ("ai.", AI_SDK),
    ("lk.", LIVEKIT),
    ("mlflow.", MLFLOW),
    ("genkit:", GENKIT),
    ("traceloop.", OPENLLMETRY),
    ("llm.request.type", OPENLLMETRY),
    ("llm.response.", OPENLLMETRY),
    ("ag2.", AG2),
    ("logfire.", LOGFIRE),
    ("request_data", LOGFIRE),
    ("response_data", LOGFIRE),
    ("pydantic_ai.", PYDANTIC_AI),
    ("all_messages_events", PYDANTIC_AI),
    ("final_result", PYDANTIC_AI),
    ("tool_arguments", PYDANTIC_AI),
    ("tool_response", PYDANTIC_AI),
    ("deployment.environment", CONVENTIONS),
    ("enduser.", CONVENTIONS),
    ("error.", CONVENTIONS),
    ("exception.", CONVENTIONS),
    ("model", MLFLOW),
    ("", OPENINFERENCE),
)
"""Whose an attribute is by how it begins, the first that fits; counters and costs name their sender a row each."""

FIELDS: Sequence[tuple[str, Sequence[str]]] = (
    ("kind", tuple(key for key, _, _ in KIND_TABLES)),
    ("kind (tool)", tables.TOOL_KEYS),
    ("name", tables.NAME_KEYS),
    ("model", tables.MODEL_KEYS),
    ("id of the call", tables.CALL_ID_KEYS),
    ("session", tables.SESSION_KEYS),
    ("user", tables.USER_KEYS),
    ("tags", tables.TAG_KEYS),
    ("environment", tables.ENVIRONMENT_KEYS),
    ("status message", tables.ERROR_KEYS),
    ("first token", (tables.COMPLETION_START, *tables.FIRST_TOKEN_DELAYS_S)),
    (
        "input",
        (*tables.FIRST_INPUTS, *tables.INPUT_KEYS, *tables.MESSAGE_INPUTS, *tables.TOOL_INPUTS, tables.RAW_INPUT),
    ),
    (
        "output",
        (*tables.FIRST_OUTPUTS, *tables.OUTPUT_KEYS, *tables.MESSAGE_OUTPUTS, *tables.TOOL_OUTPUTS, tables.RAW_OUTPUT),
    ),
)
INTRODUCTION = """# Attributes that are read

Made from the tables of `server/tracing/mapping`; of several attributes for one field the first that says something
wins. Counters below `gen_ai.usage.`, `llm.token_count.` and `ai.usage.` that are not listed are read by their words,
and integers below `gen_ai.usage.` that no word explains become usage types of their own. What no field takes stays
in the metadata under `attributes`.

| Field | Attribute | Means | Library | Version looked at |
|---|---|---|---|---|
"""


def sender_of(key: str) -> Sender:
    return next(sender for start, sender in SENDERS if key.startswith(start))


def documented() -> Iterator[tuple[str, Row]]:
    """Every attribute with its field, in the order in which they are tried."""
    for field, keys in FIELDS:
        yield from ((field, Row(key, "", sender_of(key))) for key in keys)
    for field, listed in (
        ("usage", (*USAGE_DETAIL_ROWS, *USAGE_ROWS)),
        ("cost", (*COST_DETAIL_ROWS, *COST_ROWS)),
    ):
        yield from ((field, row) for row in listed)


def page() -> str:
    lines = (
        f"| {field} | `{key}` | {means} | [{sender.library}]({sender.source}) | {sender.version} |\n"
        for field, (key, means, sender) in documented()
    )
    return INTRODUCTION + "".join(lines)


if __name__ == "__main__":
    sys.stdout.write(page())
