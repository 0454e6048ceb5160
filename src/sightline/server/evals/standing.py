"""Adapters from filed runs and items to experiments. Pure functions."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from sightline.server.accounts.records import ProjectId
from sightline.server.evals.records import DatasetId, ExperimentItem, FiledItem, FiledRun, Run, RunId
from sightline.server.runtime.errors import InvalidRequest
from sightline.server.runtime.json_reading import NotJson, guarded
from sightline.server.tracing.records import Experiment, ExperimentFields, Observation, ObservationId


def experiment_of(filed: FiledRun, traced: Experiment | None) -> Experiment:
    """A filed run as an experiment, with what spans tell of it."""
    run = filed.run
    own = Experiment(
        id=run.id,
        name=run.name,
        description=run.description,
        metadata=_text(run.metadata),
        dataset_id=run.dataset_id,
        start_time=filed.first_at,
        end_time=filed.last_at,
        item_count=filed.items,
    )
    if traced is None:
        return own
    return replace(
        own,
        description=own.description or traced.description,
        metadata=traced.metadata if not run.metadata else own.metadata,
        start_time=min(own.start_time, traced.start_time),
        end_time=max(own.end_time, traced.end_time),
    )


def run_of(experiment: Experiment, project_id: ProjectId, dataset: tuple[DatasetId, str]) -> Run:
    """An experiment over a dataset, given by id and name, as a run of it."""
    dataset_id, dataset_name = dataset
    return Run(
        id=RunId(experiment.id),
        project_id=project_id,
        dataset_id=dataset_id,
        dataset_name=dataset_name,
        name=experiment.name,
        description=experiment.description,
        metadata={} if experiment.metadata is None else _value(experiment.metadata),
        created_at=experiment.start_time,
        updated_at=experiment.end_time,
    )


def experiment_item(project_id: ProjectId, filed: FiledItem, known: Sequence[Observation]) -> ExperimentItem:
    """`known`: the roots of its trace and what stands for the trace, by start; nothing where it is not stored yet."""
    ran = filed.ran
    found = _standing(filed, known) or Observation(
        project_id=project_id,
        trace_id=ran.trace_id,
        id=ran.observation_id or ObservationId(ran.trace_id),
        start_time=ran.created_at,
    )
    fields = ExperimentFields(
        id=filed.run.id,
        name=filed.run.name,
        description=filed.run.description,
        metadata=_text(filed.run.metadata),
        dataset_id=filed.run.dataset_id,
        item_id=ran.item_id,
        item_version=filed.version.isoformat(),
        expected_output=_text(filed.expected_output),
        item_metadata=_text(filed.metadata),
        root_id=found.id,
    )
    return ExperimentItem(observation=replace(found, experiment=fields), place=(ran.created_at, ("", ran.id)))


def _standing(filed: FiledItem, known: Sequence[Observation]) -> Observation | None:
    """The observation that was named; else the trace's first root, with what was said of the trace itself."""
    if filed.ran.observation_id is not None:
        return next((each for each in known if each.id == filed.ran.observation_id), None)
    roots = [each for each in known if each.is_root and not each.stands_for_trace] or list(known)
    if not roots:
        return None
    told_in = next((each.trace.input for each in known if each.trace.input), None)
    told_out = next((each.trace.output for each in known if each.trace.output), None)
    return replace(roots[0], input=told_in or roots[0].input, output=told_out or roots[0].output)


def _text(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _value(stored: str) -> Any:
    try:
        return guarded(stored)
    except (NotJson, InvalidRequest):
        return stored
