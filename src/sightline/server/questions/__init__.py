"""Filters: one condition (predicate), one grammar as data, two compilers (the ClickHouse dialect, SQLAlchemy).

A subject (observations, traces, scores, prompts) lists its fields beside its records; lists, metrics, charts, exports
and the pages' filter bar ask through them, so that the same filter finds the same rows everywhere.
"""

from sightline.server.questions.conditions import Condition, Field, FieldKind, Holds
from sightline.server.questions.grammar import GRAMMAR, Operand, Type, fitting
from sightline.server.questions.reading import conditions_of, conditions_of_json

__all__ = [
    "GRAMMAR",
    "Condition",
    "Field",
    "FieldKind",
    "Holds",
    "Operand",
    "Type",
    "conditions_of",
    "conditions_of_json",
    "fitting",
]
