"""Run by Alembic: migrates through the connection it is handed, inside the caller's transaction."""

from alembic import context

from sightline.server.tables import (
    accounts,
    connections,
    dashboards,
    evals,
    evaluators,
    exports,
    leases,
    media,
    pricing,
    prompts,
    reviews,
    skills,
    versions,
)
from sightline.server.tables.metadata import metadata

TABLES = (
    accounts.api_keys,
    media.media,
    prompts.prompts,
    evals.datasets,
    pricing.models,
    reviews.comments,
    connections.llm_connections,
    dashboards.dashboards,
    evaluators.evaluators,
    leases.leases,
    exports.blob_exports,
    skills.skill_versions,
    versions.row_versions,
)
"""Named so that every module of tables has registered before metadata is compared."""

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
