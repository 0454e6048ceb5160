"""The `filter` of the prompt list: a JSON list of typed conditions, checked before they reach the store."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, TypeAdapter, ValidationError, model_validator

from sightline.server.edges.answers import issues
from sightline.server.edges.bodies import json_of, parsed
from sightline.server.edges.params import Moment
from sightline.server.prompts.records import Condition
from sightline.server.runtime.errors import InvalidRequest

Texts = Annotated[list[str], Field(min_length=1)]
LIKE = ("contains", "does not contain", "starts with", "ends with")


class _Filter(BaseModel):
    model_config = ConfigDict(extra="ignore")

    column: str
    operator: str
    value: Any = None
    key: str = ""

    @model_validator(mode="after")
    def _pattern_is_whole(self) -> Self:
        """A pattern cannot end in the character that escapes the next one."""
        if self.operator in LIKE and isinstance(self.value, str):
            backslashes = len(self.value) - len(self.value.rstrip("\\"))
            if backslashes % 2:
                raise ValueError(f"value {self.value!r} ends in a single backslash: write two for one")
        return self


class _Text(_Filter):
    type: Literal["string"]
    column: Literal["id", "name", "type"]
    operator: Literal["=", "contains", "does not contain", "starts with", "ends with", "is not empty"]
    value: str = ""


class _TextOptions(_Filter):
    type: Literal["stringOptions"]
    column: Literal["id", "name", "type"]
    operator: Literal["any of", "none of"]
    value: Texts


class _Number(_Filter):
    type: Literal["number"]
    column: Literal["version"]
    operator: Literal["=", ">", "<", ">=", "<="]
    value: StrictInt | StrictFloat


class _Time(_Filter):
    type: Literal["datetime"]
    column: Literal["createdAt", "updatedAt"]
    operator: Literal[">", "<", ">=", "<="]
    value: Moment


class _Marks(_Filter):
    type: Literal["arrayOptions"]
    column: Literal["labels", "tags"]
    operator: Literal["any of", "all of", "none of"]
    value: Texts


class _Config(_Filter):
    type: Literal["stringObject"]
    column: Literal["config"]
    operator: Literal["=", "contains", "does not contain", "starts with", "ends with", "is set", "is not set"]
    key: str = Field(min_length=1, pattern=r'^[^"\\]+$')
    value: str = ""


_FILTERS: TypeAdapter[list[_Text | _TextOptions | _Number | _Time | _Marks | _Config]] = TypeAdapter(
    list[Annotated[_Text | _TextOptions | _Number | _Time | _Marks | _Config, Field(discriminator="type")]]
)


def prompt_conditions(text: str) -> tuple[Condition, ...]:
    """The conditions of a `filter`, all of which must hold; an empty list filters nothing."""
    try:
        return tuple(_condition(each) for each in _FILTERS.validate_python(json_of(text.encode(), parsed)))
    except ValidationError as problem:
        raise InvalidRequest(f"filter is not a list of conditions on prompts: {issues(problem.errors())}") from problem


def _condition(given: "_Text | _TextOptions | _Number | _Time | _Marks | _Config") -> Condition:
    operator = given.operator
    if isinstance(given, _Config) and given.value == "" and operator != "is not set":
        operator = "is set"
    return Condition(column=given.column, operator=operator, value=given.value, key=given.key)
