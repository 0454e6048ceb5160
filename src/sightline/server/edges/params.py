"""Query parameters in camelCase, and the types they are read as."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from sightline.server.runtime.errors import InvalidRequest
from sightline.server.tracing.environments import environment_name
from sightline.server.tracing.records import Window


def utc(moment: datetime) -> datetime:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as problem:
        raise ValueError(f"{moment} lies beyond the years 1 to 9999 in UTC") from problem


Moment = Annotated[datetime, AfterValidator(utc)]
Label = Annotated[str, Field(min_length=1, max_length=36, pattern=r"^[a-z0-9_\-.]+$")]
"""A label of prompts and skills."""


def _split(value: Any) -> Any:
    """`a,b` given once or several times, as one list."""
    if value is None:
        return ()
    given = [value] if isinstance(value, str) else value
    return tuple(part.strip() for item in given for part in str(item).split(",") if part.strip())


Commas = Annotated[tuple[str, ...], BeforeValidator(_split)]


LARGEST = 2**31 - 1
"""The largest integer of an ordinary (32-bit) column in every database."""


class Params(BaseModel):
    """camelCase on the wire; unknown parameters are ignored, as Langfuse ignores them."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)


class Paged(Params):
    """Page-number pagination (offset), from page 1."""

    page: int = Field(1, ge=1, le=LARGEST)
    limit: int = Field(50, ge=1, le=100)

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit

    def paged(self, rows: Sequence[Any], total: int | None) -> dict[str, Any]:
        """One page with its `meta`, as every list answers it."""
        return {"data": rows, "meta": self.meta(total)}

    def meta(self, total: int | None) -> dict[str, int]:
        items = total or 0
        return {
            "page": self.page,
            "limit": self.limit,
            "totalItems": items,
            "totalPages": -(-items // self.limit),
        }


def window(start: datetime | None, end: datetime | None, environments: Sequence[str]) -> Window:
    names = dict.fromkeys(environment_name(each) for each in environments if each)
    return Window(start=start, end=end, environments=tuple(names))


def field_groups(given: Sequence[str], known: Sequence[str], default: Sequence[str]) -> frozenset[str]:
    """The field groups a read asks for (sparse fieldsets); InvalidRequest for an unknown name."""
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise InvalidRequest(f"unknown field groups {', '.join(unknown)}; there are {', '.join(known)}")
    return frozenset(given or default)
