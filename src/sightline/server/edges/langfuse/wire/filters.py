"""The `filter` parameter beside the simple parameters of a list: where both speak of a column, the filter counts."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from sightline.server.questions import Field, conditions_of_json
from sightline.server.tracing.records import ObservationQuery, TraceQuery

Asked = TypeVar("Asked", TraceQuery, ObservationQuery)


def filtered(query: Asked, text: str | None, fields: Mapping[str, Field], parameters: Mapping[str, str]) -> Asked:
    """The query with the conditions of a `filter`, less the parameters of the columns that it names.

    `parameters` names the query's field of each column that has a parameter of its own.
    """
    if not text:
        return query
    given = conditions_of_json(text, fields)
    columns = {condition.column for condition in given}
    window = query.window
    if columns & {"timestamp", "startTime"}:
        window = replace(window, start=None, end=None)
    if "environment" in columns:
        window = replace(window, environments=())
    empty: dict[str, Any] = {
        parameters[column]: () if parameters[column] == "tags" else None for column in columns & parameters.keys()
    }
    return replace(query, conditions=query.conditions + given, window=window, **empty)
