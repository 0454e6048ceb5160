"""Run by Alembic: migrates through the connection it is handed, inside the caller's transaction."""

from alembic import context

from sightline.server.tables.every import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
