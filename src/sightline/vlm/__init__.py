"""Vision-language models after BLIP-2: frozen encoder → bridge → frozen language model.

    from sightline import vlm
    model = vlm.load("sightline-tiny")
    model.ask("photo.png", "which digit is red?")[0].text

Importing this package loads neither torch nor transformers; the first `load` does.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sightline.vlm.loaded import Answer, Features, Loaded, Looked, Matches, load

__all__ = ["Answer", "Features", "Loaded", "Looked", "Matches", "load"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}: it offers {', '.join(__all__)}")
    from sightline.vlm import loaded  # late: torch takes a second to import

    return getattr(loaded, name)


def __dir__() -> list[str]:
    return sorted(__all__)
