"""Runs an Alembic tree on a given connection. Which schemas exist and in which order is not known here."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

ROOT = Path(__file__).resolve().parents[3]


class Tree:
    """One migration tree: `platform` or `tenants` (the sections of alembic.ini)."""

    def __init__(self, name: str, *, ini: Path = ROOT / "alembic.ini") -> None:
        self.name = name
        self._ini = ini
        self._script = ScriptDirectory.from_config(self._config())

    @property
    def head(self) -> str:
        head = self._script.get_current_head()
        if head is None:
            raise RuntimeError(f"the migration tree {self.name} is empty")
        return head

    @property
    def revisions(self) -> tuple[str, ...]:
        """Every revision, oldest first."""
        return tuple(reversed([script.revision for script in self._script.walk_revisions()]))

    def upgrade(self, connection: sa.Connection, *, schema: str, to: str = "head") -> None:
        """Apply what is missing in `schema`, in the caller's transaction."""
        command.upgrade(self._config(connection, schema), to)

    def downgrade(self, connection: sa.Connection, *, schema: str, to: str) -> None:
        command.downgrade(self._config(connection, schema), to)

    def new_revision(self, connection: sa.Connection, *, schema: str, message: str, revision: str) -> None:
        """Write a new revision from the difference between the models and `schema`."""
        command.revision(self._config(connection, schema), message=message, autogenerate=True, rev_id=revision)

    def _config(self, connection: sa.Connection | None = None, schema: str = "") -> Config:
        config = Config(str(self._ini), ini_section=self.name)
        config.attributes["connection"] = connection
        config.attributes["schema"] = schema
        return config


def revision_of(connection: sa.Connection, schema: str) -> str | None:
    """The revision a schema is at, None before its first migration."""
    quoted = connection.dialect.identifier_preparer.quote(schema)
    if connection.execute(sa.text("select to_regclass(:name)"), {"name": f"{quoted}.alembic_version"}).scalar() is None:
        return None
    found: str | None = connection.execute(sa.text(f"select version_num from {quoted}.alembic_version")).scalar()  # noqa: S608 - quoted identifier
    return found


def drift(connection: sa.Connection, metadata: sa.MetaData, **options: Any) -> list[Any]:
    """The differences between the models and the database as Alembic sees them; empty when they agree."""
    context = MigrationContext.configure(connection, opts={"compare_server_default": False, **options})
    return list(compare_metadata(context, metadata))
