"""The composition root: settings become parts, parts become one application with a lifespan."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from pydantic import SecretStr
from starlette.datastructures import State

from sightline import __version__
from sightline.server.accounts.actions import Accounts, Audit, Organizations, People
from sightline.server.accounts.records import InitialAccounts, Seeded
from sightline.server.connections.actions import LlmConnections
from sightline.server.dashboards.actions import Dashboards, Metrics, Widgets
from sightline.server.edges import description, langfuse, mcp, otlp, otlp_logs, web
from sightline.server.edges.access import declared
from sightline.server.edges.answers import translate_errors
from sightline.server.edges.compression import PageCompression
from sightline.server.edges.endpoint import ModelEndpoint
from sightline.server.edges.large.spool import Spool
from sightline.server.edges.reserve import Reserve
from sightline.server.edges.services import Limits, Services
from sightline.server.edges.shields import PlainText, PublicCors, SameOrigin, SecurityHeaders
from sightline.server.edges.throttle import Throttle
from sightline.server.evals.actions import DatasetRuns, Datasets, Experiments, ScoreConfigs
from sightline.server.evaluators.actions import Evaluators, Rules
from sightline.server.exports.actions import BlobExports
from sightline.server.exports.destinations import opened
from sightline.server.exports.jobs import ExportRound
from sightline.server.installation import opening
from sightline.server.prompts.actions import Prompts
from sightline.server.reviews.actions import Comments, Queues
from sightline.server.runtime import logs
from sightline.server.runtime.blobs import Blobs
from sightline.server.runtime.bus import Relay, bus_at
from sightline.server.runtime.database import Database
from sightline.server.runtime.hub import LiveHub
from sightline.server.runtime.jobs import Job, RecurringJob
from sightline.server.runtime.leases import Leases
from sightline.server.runtime.observations import ObservationsEngine, engine_at
from sightline.server.runtime.seal import Seal
from sightline.server.runtime.secret import Secrets
from sightline.server.runtime.space import FreeSpace
from sightline.server.runtime.writer import SpanWriter
from sightline.server.settings import Settings
from sightline.server.skills.actions import Skills
from sightline.server.tables import check_schema, migrate, migrate_observations
from sightline.server.tables.leases import leases as lease_table
from sightline.server.tracing.actions import TracedExperiments, Tracing
from sightline.server.tracing.actions.media import MediaRemoval
from sightline.server.upkeep.actions import Removal, Retention, Vitals
from sightline.server.upkeep.jobs import RetentionRound

if TYPE_CHECKING:
    from sightline.server.edges.otlp_grpc import GrpcListener


def create_app(settings: Settings) -> FastAPI:
    """The whole server; its parts open and close with the lifespan."""

    logs.configure(settings.log_level)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            services, seeded = await _open(settings, app.state, stack)
            app.state.services, app.state.seeded = services, seeded
            app.state.grpc = await _grpc(settings, services, stack)
            yield

    app = FastAPI(
        title="Sightline",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        max_body_size=settings.max_body_bytes,
        # FastAPI traces itself by default: with an exporter set up, the server would ingest its own requests for ever.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.hub = LiveHub()
    app.state.draining = False
    translate_errors(app)
    # Included one by one: a path that takes no GET is answered 405 by `web.static`, which asks each route.
    routers = (otlp.router, otlp_logs.router, langfuse.router, description.router, mcp.router, web.router, web.pages)
    for router in routers:
        app.include_router(router)
    app.add_middleware(PageCompression)
    app.state.space = FreeSpace(_folders(settings), settings.min_free_bytes)
    app.add_middleware(Reserve, space=app.state.space)
    app.add_middleware(SameOrigin, public_url=settings.public_url)
    app.add_middleware(PlainText)
    app.add_middleware(PublicCors)
    app.add_middleware(SecurityHeaders, https=settings.https)
    list(declared(app))  # An undeclared route is a mistake to find now, not by an attacker.
    return app


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the services are made of."""

    settings: Settings
    secrets: Secrets
    engine: ObservationsEngine
    database: Database
    hub: LiveHub
    writer: SpanWriter
    blobs: Blobs
    accounts: Accounts
    tracing: Tracing
    leases: Leases
    seal: Seal
    space: FreeSpace


async def _open(settings: Settings, state: State, stack: AsyncExitStack) -> tuple[Services, Seeded]:
    """Open every part in order; the exit stack closes them in reverse."""
    hub: LiveHub = state.hub
    folder = _data_folder(settings)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    opening.close_to_others(folder)
    engine, database = await _databases(settings, folder, stack)
    writer = SpanWriter(engine)
    writer.start()
    stack.push_async_callback(writer.stop)
    stack.callback(hub.close)
    if settings.bus_url:
        relay = Relay(hub, bus_at(settings.bus_url))
        relay.start()
        stack.push_async_callback(relay.stop)

    secrets = Secrets(folder, _shown(settings.secret))
    await opening.check_secrets(secrets, database)
    blobs = Blobs(settings.media_url or str(folder / "media"))
    accounts = Accounts(database, pepper=secrets.of("pepper"))
    tracing = Tracing(
        engine=engine,
        writer=writer,
        database=database,
        blobs=blobs,
        hub=hub,
        signing_secret=secrets.of("signing"),
    )
    await tracing.open()
    seeded = await accounts.seed(initial_accounts(settings))
    parts = Parts(
        settings=settings,
        secrets=secrets,
        engine=engine,
        database=database,
        hub=hub,
        writer=writer,
        blobs=blobs,
        accounts=accounts,
        tracing=tracing,
        leases=Leases(database, lease_table),
        seal=Seal(secrets.of("seal")),
        space=state.space,
    )
    _start_jobs(parts, stack)
    return _services(parts, _endpoint(settings, stack)), seeded


def _start_jobs(parts: Parts, stack: AsyncExitStack) -> None:
    """Start the background jobs. Retention and exports take a lease: one process at a time runs them."""
    media = MediaRemoval(parts.database, parts.blobs)
    retention = Retention(parts.engine, parts.tracing.index, media, parts.hub)
    keeping = RetentionRound(retention, parts.accounts, parts.leases)
    open_store = partial(opened, lends=parts.settings.exports_lend_credentials)
    exporting = ExportRound(parts.database, parts.tracing, parts.leases, parts.seal, open_store)
    jobs: tuple[Job, ...] = (
        RecurringJob("usage of keys", parts.accounts.write_usage, every_s=60),
        RecurringJob("free space", parts.space.watch, every_s=10),
        RecurringJob("retention", keeping.run, every_s=keeping.every_s),
        RecurringJob("exports", exporting.run, every_s=exporting.every_s),
        parts.tracing.index,
        parts.tracing.counting,
        parts.tracing.logs,
    )
    for job in jobs:
        job.start()
        stack.push_async_callback(job.stop)
    stack.push_async_callback(parts.accounts.write_usage)


async def _databases(settings: Settings, folder: Path, stack: AsyncExitStack) -> tuple[ObservationsEngine, Database]:
    """Open and migrate both databases. The engine's folder first: its file lock keeps a second server out."""
    database_url = settings.database_url or f"sqlite+aiosqlite:///{folder / 'sightline.db'}"
    engine = engine_at(settings.observations_url or folder / "observations")
    await opening.open_engine(engine)
    stack.push_async_callback(engine.close)
    is_empty = await check_schema(database_url) is None
    await migrate_observations(engine)
    if is_empty:
        await opening.refuse_orphans(database_url, engine)
    await migrate(database_url)
    opening.opened_well(engine)
    database = Database(database_url)
    stack.push_async_callback(database.close)
    return engine, database


def _services(parts: Parts, endpoint: ModelEndpoint | None) -> Services:
    settings, database, tracing, hub = parts.settings, parts.database, parts.tracing, parts.hub
    prompts, score_configs = Prompts(database, hub), ScoreConfigs(database)
    organizations = Organizations(database, parts.accounts, pepper=parts.secrets.of("pepper"))
    traced = TracedExperiments(parts.engine, parts.tracing.index)
    return Services(
        accounts=parts.accounts,
        organizations=organizations,
        people=People(database),
        audit=Audit(database),
        tracing=tracing,
        removal=Removal(parts.engine, MediaRemoval(database, parts.blobs)),
        vitals=Vitals(parts.engine, database),
        prices=tracing.prices,
        metrics=Metrics(parts.engine, tracing.index),
        dashboards=Dashboards(database),
        widgets=Widgets(database),
        evaluators=Evaluators(database),
        rules=Rules(database),
        comments=Comments(database, tracing, prompts, hub),
        queues=Queues(database, parts.accounts, score_configs, hub),
        llm_connections=LlmConnections(database, parts.seal),
        prompts=prompts,
        datasets=Datasets(database, hub),
        dataset_runs=DatasetRuns(database, tracing, traced, hub),
        experiments=Experiments(database, traced),
        score_configs=score_configs,
        exports=BlobExports(database, organizations, parts.leases, parts.seal),
        skills=Skills(database, hub),
        hub=hub,
        arriving=parts.writer.expected,
        endpoint=endpoint,
        sign_in_throttle=Throttle(settings.sign_in_limit),
        limits=Limits(
            body_bytes=settings.max_body_bytes,
            export_bytes=settings.max_export_bytes,
            inflated_bytes=settings.max_inflated_bytes,
            media_bytes=settings.max_media_bytes,
        ),
        space=parts.space,
        spool=Spool(_data_folder(settings) / "spool", parts.space),
        public_url=settings.public_url,
        secure_cookies=settings.https,
    )


def _data_folder(settings: Settings) -> Path:
    return settings.data_dir.expanduser().resolve()


def _folders(settings: Settings) -> list[Path]:
    """Where this machine's disks are written to."""
    elsewhere = [settings.observations_url, settings.media_url]
    kind, _, file = (settings.database_url or "").partition(":///")
    elsewhere += [str(Path(file).parent)] if kind.startswith("sqlite") and file else []
    return [_data_folder(settings), *(Path(place) for place in elsewhere if place and "://" not in place)]


async def _grpc(settings: Settings, services: Services, stack: AsyncExitStack) -> "GrpcListener | None":
    """Opens last and closes first: a request needs all the other parts."""
    if settings.otlp_grpc_port is None:
        return None
    # Here: gRPC is loaded only where it is asked for.
    from sightline.server.edges.otlp_grpc import GrpcListener

    listener = GrpcListener(services, settings.host, settings.otlp_grpc_port)
    await listener.start()
    stack.push_async_callback(listener.stop, settings.shutdown_timeout_s)
    return listener


def _endpoint(settings: Settings, stack: AsyncExitStack) -> ModelEndpoint | None:
    if settings.model_endpoint_url is None:
        return None
    endpoint = ModelEndpoint(settings.model_endpoint_url, _shown(settings.model_endpoint_key))
    stack.push_async_callback(endpoint.close)
    return endpoint


def initial_accounts(settings: Settings) -> InitialAccounts:
    return InitialAccounts(
        org_id=settings.init_org_id,
        org_name=settings.init_org_name,
        org_public_key=settings.init_org_public_key,
        org_secret_key=_shown(settings.init_org_secret_key),
        project_id=settings.init_project_id,
        project_name=settings.init_project_name,
        public_key=settings.init_project_public_key,
        secret_key=_shown(settings.init_project_secret_key),
        user_email=settings.init_user_email,
        user_name=settings.init_user_name,
        user_password=_shown(settings.init_user_password),
    )


def _shown(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
