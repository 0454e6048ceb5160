"""All SQL of datasets, runs and score configs. A store belongs to one project and one unit of work."""

from sightline.server.evals.store.configs import ScoreConfigStore
from sightline.server.evals.store.datasets import DatasetStore
from sightline.server.evals.store.filed import FiledStore
from sightline.server.evals.store.items import ItemStore
from sightline.server.evals.store.runs import RunStore

__all__ = ["DatasetStore", "FiledStore", "ItemStore", "RunStore", "ScoreConfigStore"]
