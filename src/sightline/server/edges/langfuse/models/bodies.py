"""A model as clients describe it: flat prices or tiers of them, and conditions of either kind."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from sightline.server.accounts.records import ProjectId
from sightline.server.edges.langfuse.wire.bodies import Body
from sightline.server.edges.params import LARGEST, Moment
from sightline.server.pricing.records import (
    AttributeCondition,
    AttributeSource,
    Comparison,
    Condition,
    Model,
    ModelId,
    Tier,
    Unit,
    UsageCondition,
)
from sightline.server.runtime.clock import now
from sightline.server.runtime.ids import new_id

Price = Annotated[float, Field(ge=0)]
FLAT = {"input_price": "input", "output_price": "output", "total_price": "total"}
"""Fields of flat prices to usage types."""
STANDARD = "Standard"
"""Name of the tier that flat prices become."""


class UsageConditionBody(Body):
    usage_detail_pattern: str = Field(min_length=1, max_length=500)
    operator: Comparison
    value: float
    case_sensitive: bool = False

    def condition(self) -> UsageCondition:
        return UsageCondition(
            pattern=self.usage_detail_pattern,
            operator=self.operator,
            value=self.value,
            case_sensitive=self.case_sensitive,
        )


class AttributeConditionBody(Body):
    source: AttributeSource
    key: str = Field(min_length=1, max_length=200)
    operator: Literal["in"] = "in"
    values: list[str] = Field(min_length=1, max_length=100)

    def condition(self) -> AttributeCondition:
        return AttributeCondition(source=self.source, key=self.key, values=tuple(self.values))


class TierBody(Body):
    name: str = Field(min_length=1, max_length=200)
    is_default: bool = False
    priority: int = Field(ge=0, le=LARGEST)
    conditions: list[UsageConditionBody | AttributeConditionBody] = Field(default_factory=list, max_length=20)
    prices: dict[str, Price] = Field(max_length=100)

    def tier(self) -> Tier:
        return Tier(
            id=new_id(),
            name=self.name,
            is_default=self.is_default,
            priority=self.priority,
            conditions=tuple(each.condition() for each in self.conditions),
            prices=self.prices,
        )


class ModelBody(Body):
    model_name: str = Field(min_length=1, max_length=255)
    match_pattern: str = Field(min_length=1, max_length=1_000)
    start_date: Moment | None = None
    unit: Unit | None = "TOKENS"
    input_price: Price | None = None
    output_price: Price | None = None
    total_price: Price | None = None
    pricing_tiers: list[TierBody] | None = Field(None, max_length=50)
    tokenizer_id: Literal["openai", "claude"] | None = None
    tokenizer_config: Any = None

    @model_validator(mode="after")
    def _priced_in_one_way(self) -> Self:
        if self.pricing_tiers is not None and self._flat:
            raise ValueError("give pricingTiers or flat prices (inputPrice, outputPrice, totalPrice), not both")
        if self.pricing_tiers is None and not self._flat:
            raise ValueError("a model needs prices: pricingTiers, or inputPrice, outputPrice or totalPrice")
        if self.total_price is not None and len(self._flat) > 1:
            raise ValueError("totalPrice prices all units alike: leave it out beside inputPrice and outputPrice")
        return self

    @property
    def _flat(self) -> dict[str, float]:
        return {name: price for field, name in FLAT.items() if (price := getattr(self, field)) is not None}

    def model(self, project_id: ProjectId, model_id: ModelId | None = None) -> Model:
        flat = Tier(id=new_id(), name=STANDARD, is_default=True, priority=0, prices=self._flat)
        return Model(
            id=model_id or ModelId(new_id()),
            project_id=project_id,
            name=self.model_name,
            match_pattern=self.match_pattern,
            start_date=self.start_date,
            unit=self.unit,
            tokenizer_id=self.tokenizer_id,
            tokenizer_config=self.tokenizer_config,
            tiers=(flat,) if self.pricing_tiers is None else tuple(each.tier() for each in self.pricing_tiers),
            created_at=now(),
        )


def condition_shape(condition: Condition) -> dict[str, Any]:
    """A condition as clients read it."""
    match condition:
        case UsageCondition():
            return {
                "usageDetailPattern": condition.pattern,
                "operator": condition.operator,
                "value": condition.value,
                "caseSensitive": condition.case_sensitive,
            }
        case AttributeCondition():
            return {
                "source": condition.source,
                "key": condition.key,
                "operator": "in",
                "values": list(condition.values),
            }
