"""Models and processors by LAVIS' names, in plain dictionaries."""

from collections.abc import Callable
from typing import Any, TypeVar

K = TypeVar("K", bound=type)


class Registry:
    """LAVIS' registry, as far as models and processors go."""

    def __init__(self) -> None:
        self.mapping: dict[str, dict[str, Any]] = {"model_name_mapping": {}, "processor_name_mapping": {}}

    def register_model(self, name: str) -> Callable[[K], K]:
        """Decorator that makes a model class known under a name; raises `KeyError` for one that is taken."""
        return self._register("model_name_mapping", name)

    def register_processor(self, name: str) -> Callable[[K], K]:
        """Decorator that makes a processor class known under a name; raises `KeyError` for one that is taken."""
        return self._register("processor_name_mapping", name)

    def get_model_class(self, name: str) -> Any:
        """The class of that name, or None."""
        return self.mapping["model_name_mapping"].get(name)

    def get_processor_class(self, name: str) -> Any:
        """The class of that name, or None."""
        return self.mapping["processor_name_mapping"].get(name)

    def list_models(self) -> list[str]:
        """Names of all models, in order."""
        return sorted(self.mapping["model_name_mapping"])

    def list_processors(self) -> list[str]:
        """Names of all processors, in order."""
        return sorted(self.mapping["processor_name_mapping"])

    def _register(self, kind: str, name: str) -> Callable[[K], K]:
        known = self.mapping[kind]

        def wrap(kept: K) -> K:
            if name in known:
                raise KeyError(f"{name!r} is already registered, for {known[name].__name__}: choose another name")
            known[name] = kept
            return kept

        return wrap


registry = Registry()
