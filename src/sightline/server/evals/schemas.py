"""Validation of items against the JSON Schemas of their dataset.

Schemas are untrusted: remote `$ref`s are never fetched (SSRF), and a schema without `$schema` is read as
draft 7, as Langfuse reads it. Checking takes up to the times below and belongs off the event loop.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from sightline.server.evals.keywords import PATTERNS, bounded, within
from sightline.server.runtime.errors import InvalidRequest

PROBLEMS_NAMED = 5
"""Errors reported for one field; an item can violate a schema in thousands of places."""
ITEMS_NAMED = 10
"""Invalid items named in one error."""
LONGEST_PROBLEM_CHARACTERS = 300
"""Characters of one reported error."""
LONGEST_CHECK_S = 2.0
"""Deadline for one item."""
LONGEST_CHECK_OF_ALL_S = 20.0
"""Deadline for all items of a dataset."""


class Fit:
    """The compiled schemas of a dataset. InvalidRequest when one is not a JSON Schema."""

    def __init__(self, input_schema: Mapping[str, Any] | None, expected_output_schema: Mapping[str, Any] | None):
        self._input = _validator(input_schema, "inputSchema")
        self._expected_output = _validator(expected_output_schema, "expectedOutputSchema")

    def problems(self, input: Any, expected_output: Any) -> list[str]:
        """Validation errors of an item; empty when it fits. Call within a block of `within` (deadline)."""
        return [
            *(f"input {problem}" for problem in _problems(self._input, input)),
            *(f"expectedOutput {problem}" for problem in _problems(self._expected_output, expected_output)),
        ]

    def check(self, input: Any, expected_output: Any) -> None:
        with within(LONGEST_CHECK_S):
            problems = self.problems(input, expected_output)
        if problems:
            raise InvalidRequest(f"the item does not fit the dataset's schema: {'; '.join(problems)}")

    def check_all(self, items: Iterable[tuple[str, Any, Any]]) -> None:
        """Validate stored items (id, input, expected output). InvalidRequest names invalid ones, or the deadline."""
        misfits: list[str] = []
        with within(LONGEST_CHECK_OF_ALL_S):
            for item_id, input, expected_output in items:
                problems = self.problems(input, expected_output)
                if problems:
                    misfits.append(f"item {item_id}: {problems[0]}")
                if len(misfits) == ITEMS_NAMED:
                    break
        if misfits:
            raise InvalidRequest(
                f"the dataset holds items that do not fit the schema, which was not changed: {'; '.join(misfits)}"
            )


def _validator(schema: Mapping[str, Any] | None, field: str) -> Validator | None:
    if schema is None:
        return None
    kind = validator_for(schema, default=Draft7Validator)
    try:
        kind.check_schema(schema, format_checker=PATTERNS)
        _check_combination(schema, field)
    except SchemaError as problem:
        raise InvalidRequest(f"{field} is not a JSON Schema: {_short(problem)}") from problem
    except RecursionError as problem:
        raise InvalidRequest(f"{field} is nested too deeply to check: flatten it") from problem
    # A registry of our own: the library's default one fetches remote references (SSRF).
    return bounded(kind)(schema, registry=Registry())


def _check_combination(schema: Any, field: str) -> None:
    """Refuse `unevaluatedProperties` beside patterns, which the library matches with a backtracking engine (ReDoS)."""
    names: set[str] = set()
    level = [schema]
    while level:
        names.update(name for each in level if isinstance(each, dict) for name in each)
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    if {"patternProperties", "unevaluatedProperties"} <= names:
        raise InvalidRequest(
            f"{field} has patternProperties and unevaluatedProperties, which are not checked together here: "
            "use additionalProperties"
        )


def _problems(validator: Validator | None, value: Any) -> list[str]:
    if validator is None:
        return []
    found: list[str] = []
    try:
        for problem in validator.iter_errors(value):
            found.append(_short(problem))
            if len(found) == PROBLEMS_NAMED:
                break
    except Unresolvable as problem:
        raise InvalidRequest(
            f"the dataset's schema refers to {problem.ref!r}, which is not in it: put the definition under $defs"
        ) from problem
    except RecursionError as problem:
        raise InvalidRequest("the dataset's schema refers to itself without end: give its references a way out") from (
            problem
        )
    return found


def _short(problem: ValidationError | SchemaError) -> str:
    message = problem.message
    if len(message) > LONGEST_PROBLEM_CHARACTERS:
        message = f"{message[: LONGEST_PROBLEM_CHARACTERS // 2]} … {message[-LONGEST_PROBLEM_CHARACTERS // 2 :]}"
    return f"{problem.json_path}: {message}"
