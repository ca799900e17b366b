"""Migrating the whole fleet: the control plane first, then each cooperative on its own, whatever fails."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import psycopg
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from maillage_app.runtime import Runtime
from maillage_platform import provisioning
from maillage_platform.cooperatives import all_cooperatives, record_revision


@dataclass(frozen=True, slots=True)
class Migrated:
    """What happened to one schema. `error` is None when it reached `revision`."""

    name: str
    before: str | None
    revision: str | None
    error: str | None = None


async def migrate_fleet(runtime: Runtime) -> AsyncIterator[Migrated]:
    """Yield a report line per schema as it is done. The control plane failing stops everything: it raises."""
    revision = await asyncio.to_thread(
        provisioning.migrate_platform, runtime.owner_url, app_password=runtime.settings.database.app_password
    )
    yield Migrated("platform", None, revision)
    async with runtime.database.platform() as session:
        rows = [(row.slug, row.schema_name, row.schema_revision) for row in await all_cooperatives(session)]
    for slug, schema, before in rows:
        try:
            revision = await asyncio.to_thread(provisioning.migrate_tenant, runtime.owner_url, schema=schema)
        except (SQLAlchemyError, psycopg.Error, CommandError) as exc:
            yield Migrated(slug, before, before, error=type(getattr(exc, "orig", None) or exc).__name__)
            continue
        async with runtime.database.platform() as session:
            await record_revision(session, slug=slug, revision=revision)
        yield Migrated(slug, before, revision)
