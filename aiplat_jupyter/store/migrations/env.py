"""Alembic's environment: runs on the connection, and in the transaction, that `schema` hands over."""

from alembic import context

from aiplat_jupyter.store.schema import VERSION_TABLE
from aiplat_jupyter.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
