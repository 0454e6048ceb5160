"""The parts of a project in dependency order: what others refer to goes first."""

from sightline.server.importing.parts.catalog import ArchivedConfigs, Models, ScoreConfigs
from sightline.server.importing.parts.comments import Comments
from sightline.server.importing.parts.datasets import Datasets, Items, Runs
from sightline.server.importing.parts.part import Crossing, Part
from sightline.server.importing.parts.prompts import Prompts
from sightline.server.importing.parts.scores import Scores
from sightline.server.importing.parts.traces import Observations, Traces

PARTS: tuple[type[Part], ...] = (
    *(Models, ScoreConfigs, Prompts, Datasets, Items),
    *(Traces, Observations, Runs, Scores, Comments, ArchivedConfigs),
)
"""Topologically sorted by reference."""

__all__ = ["PARTS", "Crossing", "Part"]
