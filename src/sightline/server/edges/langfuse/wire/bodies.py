"""What every request body of the public API has in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Body(BaseModel):
    """camelCase on the wire; unknown fields are ignored, as Langfuse ignores them. No number is NaN or infinite."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", allow_inf_nan=False)

    def shape(self) -> dict[str, Any]:
        """As clients read it back: in camelCase, without what is not set."""
        return self.model_dump(by_alias=True, exclude_none=True)
