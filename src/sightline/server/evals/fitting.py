"""Whether a score is what its config says it may be: pure rules over records."""

from dataclasses import replace

from sightline.server.evals.records import ScoreConfig
from sightline.server.runtime.errors import InvalidRequest
from sightline.server.tracing.records import Score


def fitted(score: Score, config: ScoreConfig, *, typed: bool) -> Score:
    """The score in its config's type; InvalidRequest says where it does not fit.

    `typed`: the client named a type. Where it did not, the type that the value looks like gives way to the config's.
    """
    if config.is_archived:
        raise InvalidRequest(f"score config {config.name!r} is archived: restore it, or score without it")
    if typed and score.data_type != config.data_type:
        raise InvalidRequest(f"dataType is {score.data_type}, the config {config.name!r} wants {config.data_type}")
    return _FITS[config.data_type](replace(score, data_type=config.data_type), config)


def _numeric(score: Score, config: ScoreConfig) -> Score:
    value = _number(score, config)
    low, high = config.min_value, config.max_value
    if (low is not None and value < low) or (high is not None and value > high):
        bounds = " and ".join(
            f"{word} {bound:g}" for word, bound in (("at least", low), ("at most", high)) if bound is not None
        )
        raise InvalidRequest(f"value {value:g} is out of range: the config {config.name!r} wants {bounds}")
    return score


def _boolean(score: Score, config: ScoreConfig) -> Score:
    if _number(score, config) not in (0, 1):
        raise InvalidRequest(f"value {score.value:g} is not 0 or 1, which the config {config.name!r} wants")
    return score


def _categorical(score: Score, config: ScoreConfig) -> Score:
    """A category by its label; its number is stored with it."""
    categories = {category.label: category.value for category in config.categories or ()}
    if score.string_value not in categories:
        given = score.value if score.string_value is None else score.string_value
        raise InvalidRequest(f"value {given!r} is not one of the config's categories {', '.join(categories)}")
    return replace(score, value=categories[score.string_value])


def _text(score: Score, config: ScoreConfig) -> Score:
    if score.string_value is None:
        raise InvalidRequest(f"value {score.value} is a number, the config {config.name!r} wants a text")
    return score


def _number(score: Score, config: ScoreConfig) -> float:
    if score.value is None:
        raise InvalidRequest(f"value {score.string_value!r} is a text, the config {config.name!r} wants a number")
    return score.value


_FITS = {"NUMERIC": _numeric, "BOOLEAN": _boolean, "CATEGORICAL": _categorical, "TEXT": _text}
"""Type of a config to its validation."""
