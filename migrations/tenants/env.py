"""Runs one cooperative's migrations: the connection's search path is its schema, and no schema is ever named.

`version_table_schema` stays unset on purpose: with it, autogenerate would want to drop `alembic_version`.
"""

from alembic import context

from maillage_tenants.models import TenantBase

connection = context.config.attributes["connection"]
connection.dialect.default_schema_name = context.config.attributes["schema"]

context.configure(
    connection=connection,
    target_metadata=TenantBase.metadata,
    compare_server_default=False,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
