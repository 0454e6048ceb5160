"""What can be done with datasets, runs over them and score configs."""

from sightline.server.evals.actions.configs import ScoreConfigs
from sightline.server.evals.actions.datasets import Datasets
from sightline.server.evals.actions.experiments import Experiments
from sightline.server.evals.actions.runs import DatasetRuns

__all__ = ["DatasetRuns", "Datasets", "Experiments", "ScoreConfigs"]
