"""Langfuse's public API, a folder a noun: its SDKs work against these paths as they are."""

from sightline.server.edges.langfuse import first_versions, instance
from sightline.server.edges.langfuse.comments import routes as comments
from sightline.server.edges.langfuse.connections import routes as connections
from sightline.server.edges.langfuse.dashboards import routes as dashboards
from sightline.server.edges.langfuse.datasets import items as datasets_items
from sightline.server.edges.langfuse.datasets import routes as datasets
from sightline.server.edges.langfuse.datasets import runs as datasets_runs
from sightline.server.edges.langfuse.evaluators import routes as evaluators
from sightline.server.edges.langfuse.experiments import routes as experiments
from sightline.server.edges.langfuse.exports import routes as exports
from sightline.server.edges.langfuse.ingestion import routes as ingestion
from sightline.server.edges.langfuse.ingestion import single_events
from sightline.server.edges.langfuse.media import routes as media
from sightline.server.edges.langfuse.metrics import routes as metrics
from sightline.server.edges.langfuse.models import routes as models
from sightline.server.edges.langfuse.observations import routes as observations
from sightline.server.edges.langfuse.organizations import audit, scim
from sightline.server.edges.langfuse.organizations import routes as organizations
from sightline.server.edges.langfuse.prompts import routes as prompts
from sightline.server.edges.langfuse.queues import routes as queues
from sightline.server.edges.langfuse.scores import configs as scores_configs
from sightline.server.edges.langfuse.scores import routes as scores
from sightline.server.edges.langfuse.sessions import routes as sessions
from sightline.server.edges.langfuse.skills import routes as skills
from sightline.server.edges.langfuse.traces import routes as traces
from sightline.server.edges.routers import joined

router = joined(
    instance.router,
    traces.router,
    observations.router,
    scores.router,
    media.router,
    ingestion.router,
    single_events.router,
    first_versions.router,
    models.router,
    metrics.router,
    comments.router,
    queues.router,
    connections.router,
    organizations.router,
    audit.router,
    scim.router,
    dashboards.router,
    evaluators.router,
    exports.router,
    skills.router,
    prompts.router,
    datasets.router,
    datasets_items.router,
    datasets_runs.router,
    scores_configs.router,
    experiments.router,
    sessions.router,
    first_versions.by_name,
)

__all__ = ["router"]
