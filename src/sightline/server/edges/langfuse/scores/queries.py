"""Query parameters of the v3 score list, and which combinations are invalid."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Field

from sightline.server.edges.params import Commas, Moment, Params, window
from sightline.server.runtime.errors import InvalidRequest
from sightline.server.tracing.records import ObservationId, ScoreId, ScoreQuery, ScoreType, TraceId

Operator = Literal["=", "!=", "<", ">", "<=", ">="]

OPERATORS: Mapping[str, Operator] = {"=": "=", "!=": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
"""Allow-list of comparison operators."""
DATA_TYPES = ("NUMERIC", "BOOLEAN", "CATEGORICAL", "TEXT", "CORRECTION")
TRUTHS = {"true": 1.0, "false": 0.0}
"""Booleans as the numbers that scores store."""


def _upper_split(value: Any) -> Any:
    given = [value] if isinstance(value, str) else value or ()
    return tuple(part.strip().upper() for item in given for part in str(item).split(",") if part.strip())


UpperCommas = Annotated[tuple[str, ...], BeforeValidator(_upper_split)]


class V3Params(Params):
    limit: int = Field(50, ge=1, le=100)
    cursor: str | None = None
    fields: Commas = ()
    id: Commas = ()
    name: Commas = ()
    source: UpperCommas = ()
    data_type: UpperCommas = ()
    environment: Commas = ()
    config_id: Commas = ()
    queue_id: Commas = ()
    author_user_id: Commas = ()
    value: Commas = ()
    value_min: float | None = None
    value_max: float | None = None
    trace_id: Commas = ()
    session_id: Commas = ()
    observation_id: Commas = ()
    experiment_id: Commas = ()
    from_timestamp: Moment | None = None
    to_timestamp: Moment | None = None


def v3_query(params: V3Params, before: tuple[datetime, ScoreId] | None) -> ScoreQuery:
    """The store's query; InvalidRequest for filters that contradict each other."""
    _check_types(params)
    _check_subjects(params)
    numbers, texts = _values(params)
    return ScoreQuery(
        window=window(params.from_timestamp, params.to_timestamp, params.environment),
        ids=tuple(ScoreId(each) for each in params.id),
        names=params.name,
        sources=params.source,
        data_types=cast("tuple[ScoreType, ...]", params.data_type),
        trace_ids=tuple(TraceId(each) for each in params.trace_id),
        observation_ids=tuple(ObservationId(each) for each in params.observation_id),
        session_ids=params.session_id,
        dataset_run_ids=params.experiment_id,
        config_ids=params.config_id,
        queue_ids=params.queue_id,
        author_user_ids=params.author_user_id,
        numbers=numbers,
        values=texts,
        value_min=params.value_min,
        value_max=params.value_max,
        limit=params.limit,
        before=before,
    )


def _check_types(params: V3Params) -> None:
    unknown = sorted(set(params.data_type) - set(DATA_TYPES))
    if unknown:
        raise InvalidRequest(f"dataType {', '.join(unknown)} is unknown; there are {', '.join(DATA_TYPES)}")
    bounded = params.value_min is not None or params.value_max is not None
    if bounded and params.data_type != ("NUMERIC",):
        raise InvalidRequest("valueMin and valueMax need dataType=NUMERIC, and no other type beside it")
    if params.value and (len(params.data_type) != 1 or params.data_type[0] in ("TEXT", "CORRECTION")):
        raise InvalidRequest("value needs exactly one dataType, of NUMERIC, BOOLEAN and CATEGORICAL")


def _check_subjects(params: V3Params) -> None:
    if params.observation_id and not params.trace_id:
        raise InvalidRequest("observationId needs traceId: observation ids are unique within their trace only")
    subjects = {"traceId": params.trace_id, "sessionId": params.session_id, "experimentId": params.experiment_id}
    given = [name for name, value in subjects.items() if value]
    if len(given) > 1:
        raise InvalidRequest(f"{' and '.join(given)} exclude each other: a score is about one thing")


def _values(params: V3Params) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Exact values as numbers for NUMERIC and BOOLEAN, as texts for CATEGORICAL."""
    if not params.value or params.data_type == ("CATEGORICAL",):
        return (), params.value
    if params.data_type == ("BOOLEAN",):
        wrong = [value for value in params.value if value.lower() not in TRUTHS]
        if wrong:
            raise InvalidRequest(f"value {wrong[0]!r} is not true or false, which dataType BOOLEAN wants")
        return tuple(TRUTHS[value.lower()] for value in params.value), ()
    return tuple(_finite(value) for value in params.value), ()


def _finite(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidRequest(f"value {text!r} is not a finite number, which dataType NUMERIC wants")
    return value
