"""What can be filtered, made from the tables of fields: the guide's page, and what the pages' filter bar knows.

`python -m sightline.server.edges.filters_documented guide > docs/guide/filters.md`
`python -m sightline.server.edges.filters_documented typescript > web/src/api/fields.ts`
"""

import json
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sightline.server.edges.langfuse.prompts import filters as prompt_filters
from sightline.server.prompts.fields import PROMPT_FIELDS
from sightline.server.questions import GRAMMAR, Field, FieldKind, Operand, fitting
from sightline.server.tracing.fields import OBSERVATION_FIELDS, SCORE_FIELDS, TRACE_FIELDS


@dataclass(frozen=True)
class Subject:
    """Something that is filtered, and where."""

    name: str
    fields: Mapping[str, Field]
    asked_at: str
    types: Collection[str] = tuple(GRAMMAR)


SUBJECTS: Sequence[Subject] = (
    Subject("Traces", TRACE_FIELDS, "`GET /api/public/traces`, metrics on `traces`, the filter bar of the page"),
    Subject(
        "Observations",
        OBSERVATION_FIELDS,
        "`GET /api/public/v2/observations` and `/observations`, metrics on `observations`",
    ),
    Subject("Scores", SCORE_FIELDS, "`GET /api/public/v2/scores` and `/scores`, metrics on `scores-…`"),
    Subject("Prompts", PROMPT_FIELDS, "`GET /api/public/v2/prompts`", prompt_filters.TYPES),
)

UNITS: Mapping[str, str] = {
    "latency": "s",
    "timeToFirstToken": "s",
    "tokensPerSecond": "tokens/s",
    "inputCost": "USD",
    "outputCost": "USD",
    "totalCost": "USD",
}
"""What a number counts, where it is not simply things."""

KINDS: Mapping[FieldKind, str] = {
    "text": "a text",
    "number": "a number",
    "time": "a time in UTC",
    "truth": "true or false",
    "texts": "a list of texts",
    "entries": "entries by `key`",
    "scores": "scores by `key`, their name",
}
OPERANDS: Mapping[Operand, str] = {
    "text": "a text",
    "texts": "a list of texts",
    "number": "a number",
    "time": "a time in ISO 8601",
    "truth": "`true` or `false`",
    "none": "none",
}
EXAMPLES: Mapping[FieldKind, Mapping[str, Any]] = {
    "text": {"type": "string", "operator": "=", "value": "a"},
    "number": {"type": "number", "operator": ">", "value": 1},
    "time": {"type": "datetime", "operator": ">=", "value": "2026-12-01T00:00:00Z"},
    "truth": {"type": "boolean", "operator": "=", "value": True},
    "texts": {"type": "arrayOptions", "operator": "any of", "value": ["beta"]},
    "entries": {"type": "stringObject", "key": "team", "operator": "=", "value": "lab"},
    "scores": {"type": "numberObject", "key": "good", "operator": ">", "value": 0.5},
}
VALUES: Mapping[str, str | float | list[str]] = {
    "name": "ask",
    "traceName": "ask",
    "observationName": "call",
    "userId": "ada",
    "sessionId": "visit-7",
    "environment": "production",
    "traceEnvironment": "production",
    "level": "ERROR",
    "source": "EVAL",
    "dataType": "NUMERIC",
    "type": "GENERATION",
    "model": "gpt-5-mini",
    "models": ["gpt-5-mini"],
    "providedModelName": "gpt-5-mini",
    "observationModelName": "gpt-5-mini",
    "inputCost": 0.01,
    "outputCost": 0.01,
    "totalCost": 0.01,
    "latency": 1.5,
    "timeToFirstToken": 0.5,
    "value": 0.5,
    "labels": ["production"],
    "toolNames": ["search"],
    "calledToolNames": ["search"],
}
"""Values that say more than the one of their kind."""
OF_PROMPTS: Mapping[str, str] = {"type": "chat"}

INTRODUCTION = """# Filters

Made from the tables of fields in `server/tracing/fields.py` and `server/prompts/fields.py`, which lists, metrics,
charts and the page compile from: the same filter finds the same rows everywhere.

`filter` is a JSON list of conditions, all of which must hold. A condition has a `type`, a `column`, an `operator`, a
`value` and, for metadata and scores, a `key`:

```json
[
  {"type": "number", "column": "latency", "operator": ">", "value": 1.5},
  {"type": "stringOptions", "column": "environment", "operator": "none of", "value": ["staging"]}
]
```

- Durations are in seconds in filters and in milliseconds in the measures of metrics (`latency`, `timeToFirstToken`);
  costs are US dollars, times UTC.
- A `key` with dots reaches into nested metadata: `scope.name` is the entry of that very name, or else `name` in the
  entry `scope`.
- A condition on a score without `key` (type `number`) is on all scores of the trace. Numbers are compared with
  the mean.
- Levels, types and sources are asked for in any case.
- What does not fit is a 400 that says what would.

## In the page

The filter bar over the list of traces writes the same conditions: `latency>1s cost>0.01 -env:staging model:gpt-5-mini
score.good>0.5 metadata.team:lab errors`, and the address of the page carries them.

| written | means |
|---|---|
| `name:ask`, `user:"ada b"` | equal; a list (tags, models) has it |
| `name!=ask`, `-name:ask` | not equal; a list does not have it |
| `tokens>=100`, `-tokens>=100` | compared; not so compared |
| `latency>1s`, `latency>1000ms`, `latency>1` | durations in `us`, `ms`, `s`, `m`, `h`; without a unit seconds |
| `timestamp<2026-12-01` | before that moment, UTC |
| `score.good>0.5`, `score."my score":correct` | a score by its name |
| `metadata.scope.name:lab` | metadata by its key |
| `errors`, `-errors` | with errors, without |
| anything else, `"a > b"` | words that are searched for |

Every column of traces below is a field of the bar; `env`, `user`, `session`, `tag`, `model`, `cost` and `score` are
short for `environment`, `userId`, `sessionId`, `tags`, `models`, `totalCost` and `scores`.

## Types

| Type | Fits | Operators | Value |
|---|---|---|---|
"""


def page() -> str:
    """The guide's page."""
    parts = [INTRODUCTION, *_types(), "\n`is set`, `is not set` and `is not empty` take no value.\n"]
    for subject in SUBJECTS:
        parts += [f"\n## {subject.name}\n\n{subject.asked_at}.\n\n"]
        parts += ["| Column | Kind | Types | For example |\n|---|---|---|---|\n", *_columns(subject)]
    return "".join(parts)


def _types() -> Iterator[str]:
    for name, each in GRAMMAR.items():
        fits = ", ".join(KINDS[kind] for kind in each.fits)
        operators = ", ".join(f"`{operator}`" for operator in each.operators)
        value = OPERANDS[each.operand] + (", with a `key`" if each.is_keyed else "")
        yield f"| `{name}` | {fits} | {operators} | {value} |\n"


def _columns(subject: Subject) -> Iterator[str]:
    for column, field in subject.fields.items():
        kind = KINDS[field.kind] + (f" ({UNITS[column]})" if column in UNITS else "")
        types = ", ".join(f"`{each}`" for each in fitting(field.kind) if each in subject.types)
        yield f"| `{column}` | {kind} | {types} | `{json.dumps(example(subject, column))}` |\n"


def example(subject: Subject, column: str) -> dict[str, Any]:
    """A condition on a column that its subject takes."""
    plain = EXAMPLES[subject.fields[column].kind]
    value = VALUES.get(column, plain["value"])
    if subject.fields is PROMPT_FIELDS:
        value = OF_PROMPTS.get(column, value)
    return {"column": column, **plain, "value": value}


def constant() -> str:
    """The fields of a trace, and the grammar, as a TypeScript module in the format of biome."""
    fields = (
        f"  {column}: {{ kind: {json.dumps(field.kind)}{_unit(column)} }},\n" for column, field in TRACE_FIELDS.items()
    )
    types = (
        f"  {name}: {{\n    fits: {json.dumps(each.fits)},\n    operators: {json.dumps(each.operators)},\n  }},\n"
        for name, each in GRAMMAR.items()
    )
    return "".join((HEAD, *fields, MIDDLE, *types, "} as const;\n"))


def _unit(column: str) -> str:
    return f", unit: {json.dumps(UNITS[column])}" if column in UNITS else ""


HEAD = """// Made by `python -m sightline.server.edges.filters_documented typescript`: not written by hand.

/** What can be asked of a trace; numbers with a unit are in it. */
export const TRACE_FIELDS = {
"""
MIDDLE = """} as const;

/** The types of conditions: the kinds of fields that each fits, and its operators. */
export const GRAMMAR = {
"""
PAGES: Mapping[str, Callable[[], str]] = {"guide": page, "typescript": constant}

if __name__ == "__main__":
    sys.stdout.write(PAGES[sys.argv[1]]())
