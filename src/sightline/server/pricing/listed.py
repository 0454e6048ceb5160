"""The built-in models: what the `genai-prices` library lists, as models of ours. It is read from the installed package.

The library's prices change with the time of the request, so a model is made for the moment it is asked for.
"""

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache

from genai_prices import data_snapshot, types
from genai_prices.data_units import unit_data

from sightline.server.pricing.counting import OPENAI, counts_alone
from sightline.server.pricing.names import spellings
from sightline.server.pricing.records import AttributeCondition, Condition, Model, ModelId, Tier, UsageCondition

OPENAI_PROVIDERS = ("openai", "azure")
"""Whose models are cut into tokens as OpenAI cuts them."""
TIER_ATTRIBUTE = "service_tier"
"""Of what selects another price in the library, the one that clients send as a model parameter."""
USAGE_NAMES = {
    "input_tokens": ("input",),
    "output_tokens": ("output",),
    "cache_read_tokens": ("input_cached_tokens", "input_cache_read", "cache_read_input_tokens"),
    "cache_write_tokens": ("input_cache_creation", "input_cache_creation_tokens", "cache_creation_input_tokens"),
    "cache_write_5m_tokens": ("input_cache_creation_5m",),
    "cache_write_1h_tokens": ("input_cache_creation_1h",),
    "cache_audio_read_tokens": ("input_cached_audio_tokens",),
    "input_audio_tokens": ("input_audio_tokens", "input_audio"),
    "output_audio_tokens": ("output_audio_tokens", "output_audio"),
    "input_image_tokens": ("input_image_tokens",),
    "output_image_tokens": ("output_image_tokens",),
    "output_reasoning_tokens": ("output_reasoning_tokens", "output_reasoning"),
}
"""The library's units to the usage types that clients send; other units keep their name."""
MAKERS = frozenset(("openai", "anthropic", "google", "mistral", "cohere", "deepseek", "x-ai"))
"""Whose price a bare model name means when no provider claims the name."""
PRICE_KEYS = {unit["price_key"]: (usage, int(unit["per"])) for usage, unit in unit_data.items()}
"""The library's price field to the usage type, and to the units that price is for."""
LISTED_AT = datetime(2026, 1, 1, tzinfo=UTC)
"""Creation time shown for built-in models."""


def named(name: str, moment: datetime) -> Model | None:
    """The built-in model that an observation's model name means, with its prices at that moment."""
    found = next((found for each in spellings(name.lower()) if (found := _found(each))), None)
    return _model(*found, moment) if found else None


def identified(model_id: ModelId, moment: datetime) -> Model | None:
    found = _by_id().get(model_id)
    return _model(*found, moment) if found else None


def everything(moment: datetime) -> list[Model]:
    """All built-in models, in the library's order."""
    return [_model(provider, info, moment) for provider, info in _by_id().values()]


def identities() -> list[ModelId]:
    """The ids of all built-in models, in the order of `everything`."""
    return list(_by_id())


def _found(name: str) -> tuple[types.Provider, types.ModelInfo] | None:
    """By the name alone, or by a name that a router prefixed with its provider: `openai/gpt-4o`.

    The library's own lookup caches every miss without eviction, which leaks memory: names come from clients.
    """
    providers = data_snapshot.get_snapshot().providers
    provider_id, slash, rest = name.partition("/")
    candidates = [(each, name) for each in providers if each.model_match and each.model_match.is_match(name)]
    candidates += [(each, rest) for each in providers if slash and each.id == provider_id]
    candidates += [(each, name) for each in providers if each.id in MAKERS]
    for provider, model_ref in candidates:
        info = provider.find_model(model_ref, all_providers=providers)
        if info:
            return provider, info
    return None


@cache
def _by_id() -> dict[ModelId, tuple[types.Provider, types.ModelInfo]]:
    providers = data_snapshot.get_snapshot().providers
    return {_identity(provider, info): (provider, info) for provider in providers for info in provider.models}


def _identity(provider: types.Provider, info: types.ModelInfo) -> ModelId:
    return ModelId(hashlib.sha256(f"genai-prices:{provider.id}:{info.id}".encode()).hexdigest()[:32])


def _model(provider: types.Provider, info: types.ModelInfo, moment: datetime) -> Model:
    identity = _identity(provider, info)
    return Model(
        id=identity,
        project_id=None,
        name=info.id,
        match_pattern=f"(?i){_pattern(info.match)}",
        tokenizer_id=OPENAI if provider.id in OPENAI_PROVIDERS and counts_alone(info.id) else None,
        tiers=tuple(_tiers(identity, info, moment)),
        created_at=LISTED_AT,
    )


def _tiers(identity: ModelId, info: types.ModelInfo, moment: datetime) -> Iterator[Tier]:
    """Conditional tiers from the most particular on, then the default one."""
    services = dict.fromkeys(
        variant.when[TIER_ATTRIBUTE] for variant in info.price_variants or () if set(variant.when) == {TIER_ATTRIBUTE}
    )
    standard = info.get_prices(moment)
    priority = 0
    for service in (*services, None):
        prices = info.get_prices(moment, {TIER_ATTRIBUTE: service}) if service else standard
        if service and prices == standard:
            continue
        asked: tuple[Condition, ...] = ()
        if service:
            asked = (AttributeCondition(source="model_parameters", key=TIER_ATTRIBUTE, values=(service,)),)
        for start in sorted(_thresholds(prices), reverse=True):
            priority += 1
            above = UsageCondition(pattern="^input", operator="gt", value=start)
            name = f"{service or 'standard'} above {start:,} input tokens"
            yield _tier(identity, name, priority, (*asked, above), _per_unit(prices, start))
        if service:
            priority += 1
            yield _tier(identity, service, priority, asked, _per_unit(prices, 0))
    yield _tier(identity, "standard", 0, (), _per_unit(standard, 0))


def _tier(
    identity: ModelId, name: str, priority: int, conditions: tuple[Condition, ...], prices: dict[str, float]
) -> Tier:
    return Tier(
        id=f"{identity}-{priority}",
        name=name,
        is_default=not conditions,
        priority=priority,
        conditions=conditions,
        prices=prices,
    )


def _thresholds(prices: types.ModelPrice) -> set[int]:
    tiered = (price for price in vars(prices).values() if isinstance(price, types.TieredPrices))
    return {tier.start for price in tiered for tier in price.tiers}


def _per_unit(prices: types.ModelPrice, start: int) -> dict[str, float]:
    """US dollars per unit by usage type, as they are above `start` input tokens."""
    listed: dict[str, float] = {}
    for key, price in vars(prices).items():
        if price is None or key not in PRICE_KEYS:
            continue
        usage, per = PRICE_KEYS[key]
        each = _at(price, start) / per
        listed |= {name: float(each) for name in USAGE_NAMES.get(usage, (usage,))}
    return listed


def _at(price: Decimal | types.TieredPrices, start: int) -> Decimal:
    if isinstance(price, Decimal):
        return price
    reached = [tier.price for tier in price.tiers if start and start >= tier.start]
    return reached[-1] if reached else price.base


def _pattern(rule: types.MatchLogic) -> str:
    """A rule of the library as a regular expression, for people to read."""
    if isinstance(rule, types.ClauseOr):
        return "(" + "|".join(map(_pattern, rule.or_)) + ")"
    if isinstance(rule, types.ClauseAnd):
        return "".join(f"(?=.*{_pattern(each)})" for each in rule.and_)
    return _text_pattern(rule)


def _text_pattern(rule: types.MatchLogic) -> str:
    match rule:
        case types.ClauseEquals(equals=text):
            return f"^{re.escape(text)}$"
        case types.ClauseStartsWith(starts_with=text):
            return f"^{re.escape(text)}"
        case types.ClauseEndsWith(ends_with=text):
            return f"{re.escape(text)}$"
        case types.ClauseContains(contains=text):
            return re.escape(text)
        case _:
            return str(getattr(rule, "regex", ""))
