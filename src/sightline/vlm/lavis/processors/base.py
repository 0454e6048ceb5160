"""What every processor is: something callable, made from settings."""

from collections.abc import Mapping
from typing import Any, Self

from sightline.vlm.config import ConfigError

Settings = Mapping[str, Any]


class BaseProcessor:
    """Anything in, the same out; the base of all processors."""

    def __call__(self, item: Any) -> Any:
        """The item as the model reads it."""
        return item

    @classmethod
    def from_config(cls, cfg: Settings | None = None) -> Self:
        """From a mapping of settings; those not given have LAVIS' defaults, "name" is passed over.

        Raises `ConfigError` for unknown ones.
        """
        settings = {key: value for key, value in (cfg or {}).items() if key != "name"}
        try:
            return cls(**settings)
        except TypeError as problem:
            raise ConfigError(f"{cls.__name__} cannot be made from {settings}: {problem}") from problem

    def build(self, **settings: Any) -> Self:
        """Another one of this kind, from settings."""
        return self.from_config(settings)
