"""Dependency injection: the services that the composition root hands to every handler."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from sightline.server.accounts.actions import Accounts, Audit, Organizations, People
from sightline.server.connections.actions import LlmConnections
from sightline.server.dashboards.actions import Dashboards, Metrics, Widgets
from sightline.server.edges.endpoint import ModelEndpoint
from sightline.server.edges.large.spool import Spool
from sightline.server.edges.throttle import Throttle
from sightline.server.evals.actions import DatasetRuns, Datasets, Experiments, ScoreConfigs
from sightline.server.evaluators.actions import Evaluators, Rules
from sightline.server.exports.actions import BlobExports
from sightline.server.pricing.actions import Prices
from sightline.server.prompts.actions import Prompts
from sightline.server.reviews.actions import Comments, Queues
from sightline.server.runtime.hub import LiveHub
from sightline.server.runtime.space import FreeSpace
from sightline.server.skills.actions import Skills
from sightline.server.tracing.actions import Tracing
from sightline.server.upkeep.actions import Removal, Vitals


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds on what a client may send, in bytes."""

    body_bytes: int
    export_bytes: int
    """Of an export of spans, and of a batch of the older ingestion."""
    inflated_bytes: int
    """Of the same, after decompression."""
    media_bytes: int


@dataclass(frozen=True, kw_only=True)
class Services:
    accounts: Accounts
    organizations: Organizations
    audit: Audit
    people: People
    tracing: Tracing
    removal: Removal
    vitals: Vitals
    prices: Prices
    metrics: Metrics
    dashboards: Dashboards
    widgets: Widgets
    evaluators: Evaluators
    rules: Rules
    comments: Comments
    queues: Queues
    llm_connections: LlmConnections
    prompts: Prompts
    datasets: Datasets
    dataset_runs: DatasetRuns
    experiments: Experiments
    score_configs: ScoreConfigs
    exports: BlobExports
    skills: Skills
    hub: LiveHub
    arriving: Callable[[], AbstractContextManager[None]]
    """Wraps the parsing of spans that are then recorded, for group commit: the writer waits for them."""
    endpoint: ModelEndpoint | None
    """The model endpoint behind the Ask page; None when no address is set."""
    sign_in_throttle: Throttle
    limits: Limits
    space: FreeSpace
    spool: Spool
    public_url: str | None
    secure_cookies: bool


def services_of(request: Request) -> Services:
    return cast("Services", request.app.state.services)


Served = Annotated[Services, Depends(services_of)]


def base_url(request: Request, services: Services) -> str:
    """The server's base URL as this client sees it (behind a proxy: the public one), without a trailing slash."""
    return (services.public_url or str(request.base_url)).rstrip("/")
