"""Alembic's entry: run the steps on the connection that ``migrate`` hands over, in its transaction."""

from alembic import context

from server_sync.authority.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
context.run_migrations()
