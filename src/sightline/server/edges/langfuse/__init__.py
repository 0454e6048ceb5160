"""Langfuse's public API, a folder a noun: its SDKs work against these paths as they are."""

from fastapi import APIRouter

from sightline.server.edges.langfuse import first_versions, instance
from sightline.server.edges.langfuse.comments import routes as comments
from sightline.server.edges.langfuse.connections import routes as connections
from sightline.server.edges.langfuse.dashboards import routes as dashboards
from sightline.server.edges.langfuse.datasets import items as datasets_items
from sightline.server.edges.langfuse.datasets import routes as datasets
from sightline.server.edges.langfuse.datasets import runs as datasets_runs
from sightline.server.edges.langfuse.experiments import routes as experiments
from sightline.server.edges.langfuse.exports import routes as exports
from sightline.server.edges.langfuse.ingestion import routes as ingestion
from sightline.server.edges.langfuse.ingestion import single_events
from sightline.server.edges.langfuse.judges import routes as judges
from sightline.server.edges.langfuse.media import routes as media
from sightline.server.edges.langfuse.metrics import routes as metrics
from sightline.server.edges.langfuse.models import routes as models
from sightline.server.edges.langfuse.observations import routes as observations
from sightline.server.edges.langfuse.organizations import routes as organizations
from sightline.server.edges.langfuse.organizations import scim
from sightline.server.edges.langfuse.prompts import routes as prompts
from sightline.server.edges.langfuse.queues import routes as queues
from sightline.server.edges.langfuse.scores import configs as scores_configs
from sightline.server.edges.langfuse.scores import routes as scores
from sightline.server.edges.langfuse.sessions import routes as sessions
from sightline.server.edges.langfuse.skills import routes as skills
from sightline.server.edges.langfuse.traces import routes as traces

PARTS = (
    instance,
    traces,
    observations,
    scores,
    media,
    ingestion,
    single_events,
    first_versions,
    models,
    metrics,
    comments,
    queues,
    connections,
    organizations,
    scim,
    dashboards,
    judges,
    exports,
    skills,
    prompts,
    datasets,
    datasets_items,
    datasets_runs,
    scores_configs,
    experiments,
    sessions,
)

router = APIRouter()
for part in PARTS:
    router.include_router(part.router)
router.include_router(first_versions.by_name)

__all__ = ["router"]
