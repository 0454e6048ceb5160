"""The experiment fields of an ingestion event, named as in `/experiment-items`.

Langfuse's clients say it on spans only; an import says it here, for events take any id.
"""

from typing import Any

from pydantic import Field

from sightline.server.edges.langfuse.wire.bodies import Body
from sightline.server.tracing.mapping.values import text


class _Experiment(Body):
    experiment_id: str | None = Field(None, min_length=1, max_length=200)
    experiment_name: str | None = None
    experiment_description: str | None = None
    experiment_metadata: Any = None
    experiment_dataset_id: str | None = None
    experiment_item_id: str | None = None
    experiment_item_version: str | None = None
    experiment_item_metadata: Any = None
    expected_output: Any = None


def experiment_of(body: Any, observation_id: str | None) -> dict[str, str] | None:
    """The fields of `ExperimentFields` that are said; None where no experiment is named."""
    said = _Experiment.model_validate(body)
    if said.experiment_id is None or observation_id is None:
        return None
    fields = {
        "id": said.experiment_id,
        "name": said.experiment_name,
        "description": said.experiment_description,
        "metadata": text(said.experiment_metadata),
        "dataset_id": said.experiment_dataset_id,
        "item_id": said.experiment_item_id,
        "item_version": said.experiment_item_version,
        "item_metadata": text(said.experiment_item_metadata),
        "expected_output": text(said.expected_output),
        "root_id": observation_id,
    }
    return {name: value for name, value in fields.items() if value}
