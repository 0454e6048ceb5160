"""The frozen config base, and the family of errors a user of the model half may see.

A config is a frozen dataclass that builds its object; configs hold configs, so a whole model is one tree. What cuts
across models (a lower precision, adapters) is a `rewrite` of the tree, and a checkpoint folder keeps the tree as JSON.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import MISSING, dataclass, fields, replace
from importlib.metadata import entry_points
from typing import Any, ClassVar, Self, TypeVar

C = TypeVar("C", bound="Config")

PLUGINS = "sightline.parts"
"""Entry points of packages with encoders, bridges and language models of their own: `MyConfig = "package:MyConfig"`."""


class SightlineVlmError(Exception):
    """Something a user can put right: the message holds both values and the way out."""


class ConfigError(SightlineVlmError, ValueError):
    """A config that cannot be read, or whose values do not go together."""


class ModelError(SightlineVlmError, ValueError):
    """A model asked for something it has no part for, or given something that does not fit it."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Base of every config: `build()` makes the object, `rewrite()` changes the tree, `to_dict()` stores it."""

    _kinds: ClassVar[dict[str, type[Config]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Config._kinds[cls.__name__] = cls

    def build(self) -> Any:
        """The object this config describes, with fresh random weights."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it builds")

    def rewrite(self, kind: type[C], change: Callable[[C], Config]) -> Self:
        """A copy of the tree in which every config of `kind` (leaves first) is replaced by what `change` returns.

        Args:
            kind: The class of config to change, subclasses included.
            change: Gives the replacement; may be of another class, as long as the parent accepts it.
        """
        changed = {field.name: _rewritten(getattr(self, field.name), kind, change) for field in fields(self)}
        copy: Any = replace(self, **changed)
        return change(copy) if isinstance(copy, kind) else copy  # type: ignore[return-value]

    def to_dict(self) -> dict[str, Any]:
        """The tree as JSON-ready values; `"type"` names the class of each config in it."""
        values = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}
        return {"type": type(self).__name__, **values}

    def to_yaml(self) -> str:
        """The tree as YAML that `from_yaml` reads back; fields that have their default are left out."""
        import yaml  # late: only a config file needs it

        return str(yaml.safe_dump(_short(self), sort_keys=False, allow_unicode=True))

    @classmethod
    def from_yaml(cls, text: str) -> Self:
        """The tree written as YAML: `type` names the class of each config in it, lists are tuples.

        Raises `ConfigError` for what is not YAML, and as `from_dict` does.
        """
        import yaml  # late: only a config file needs it

        try:
            values = yaml.safe_load(text)
        except yaml.YAMLError as problem:
            raise ConfigError(f"this is not YAML: {problem}") from problem
        if not isinstance(values, dict):
            raise ConfigError(f"this YAML is a {type(values).__name__}: a config is a mapping with a type")
        return cls.from_dict({"type": cls.__name__, **values})

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The tree that `to_dict` wrote. Raises `ConfigError` for unknown classes and fields, and for another class."""
        config = _read(values)
        if not isinstance(config, cls):
            raise ConfigError(f"this is a {type(config).__name__}, a {cls.__name__} was expected here")
        return config


def closest(name: str, known: Iterable[str]) -> str:
    """The end of an error message about an unknown name: the nearest known names, or all of them if none is near."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"known are: {', '.join(names)}"


def _rewritten(value: Any, kind: type[C], change: Callable[[C], Config]) -> Any:
    if isinstance(value, Config):
        return value.rewrite(kind, change)
    if isinstance(value, tuple):
        return tuple(_rewritten(item, kind, change) for item in value)
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Config):
        return value.to_dict()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _plugged_in(name: str) -> type[Config] | None:
    """A config class that another package offers under this name as an entry point of the group `sightline.parts`."""
    for point in entry_points(group=PLUGINS, name=name):
        kind = point.load()
        if not (isinstance(kind, type) and issubclass(kind, Config)):
            raise ConfigError(f"the entry point {name!r} of {PLUGINS} is {kind!r}: it must name a class of Config")
        return kind
    return None


def _short(config: Config) -> dict[str, Any]:
    """As `to_dict`, without fields that have their default."""
    told: dict[str, Any] = {"type": type(config).__name__}
    for field in fields(config):
        value = getattr(config, field.name)
        if field.default is MISSING or value != field.default:
            told[field.name] = _short(value) if isinstance(value, Config) else _plain(value)
    return told


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_read(item) for item in value)
    if not isinstance(value, dict) or "type" not in value:
        return value  # a plain value, or a foreign config (transformers') kept as it is
    name = value["type"]
    kind = Config._kinds.get(name) or _plugged_in(str(name))
    if kind is None:
        raise ConfigError(f"unknown config type {name!r}: {closest(str(name), Config._kinds)}")
    known = {field.name for field in fields(kind)}
    given = {key: _read(item) for key, item in value.items() if key != "type"}
    if unknown := sorted(given.keys() - known):
        raise ConfigError(f"{name} has no field {unknown[0]!r}: {closest(unknown[0], known)}")
    try:
        return kind(**given)
    except TypeError as problem:
        missing = sorted(known - given.keys())
        raise ConfigError(f"{name} cannot be made from {sorted(given)}: {problem} (not given: {missing})") from problem
