"""Langfuse's public API: its SDKs work against these paths as they are."""

from fastapi import APIRouter

from sightline.server.edges.langfuse import (
    annotation_queues,
    blob_exports,
    comments,
    dashboards,
    dataset_items,
    dataset_runs,
    datasets,
    experiments,
    first_versions,
    ingestion,
    instance,
    judges,
    llm_connections,
    media,
    metrics,
    models,
    observations,
    organizations,
    prompts,
    scim,
    score_configs,
    scores,
    sessions,
    single_events,
    skills,
    traces,
)

router = APIRouter()
for part in (instance, traces, observations, scores, media, ingestion, single_events, first_versions):
    router.include_router(part.router)
for part in (models, metrics, comments, annotation_queues, llm_connections, organizations, scim, dashboards, judges):
    router.include_router(part.router)
for part in (
    blob_exports,
    skills,
    prompts,
    datasets,
    dataset_items,
    dataset_runs,
    score_configs,
    experiments,
    sessions,
):
    router.include_router(part.router)
router.include_router(first_versions.by_name)

__all__ = ["router"]
