"""What a user holds: `load`, and a model that captions, answers, matches, embeds and classifies."""

from sightline.vlm.loaded.answers import Answer, Classes, Features, Matches, Similarity, Usage
from sightline.vlm.loaded.dialogue import Chat, Turn
from sightline.vlm.loaded.inputs import Images, InputError
from sightline.vlm.loaded.looked import Looked, WordMap
from sightline.vlm.loaded.model import Loaded, load

__all__ = [
    "Answer",
    "Chat",
    "Classes",
    "Features",
    "Images",
    "InputError",
    "Loaded",
    "Looked",
    "Matches",
    "Similarity",
    "Turn",
    "Usage",
    "WordMap",
    "load",
]
