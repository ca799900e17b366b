"""Runs the control plane's migrations on the connection that `maillage_kit.migrations` gives."""

from alembic import context

from maillage_platform.models import PlatformBase

connection = context.config.attributes["connection"]


def only_ours(name, type_, _parents):
    return name == "platform" if type_ == "schema" else True


context.configure(
    connection=connection,
    target_metadata=PlatformBase.metadata,
    version_table_schema="platform",
    include_schemas=True,
    include_name=only_ours,
    compare_server_default=False,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
