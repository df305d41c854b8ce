"""Alembic's entry: runs the migrations over the connection that `store.schema` hands it."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], version_table_schema="public")
with context.begin_transaction():
    context.run_migrations()
