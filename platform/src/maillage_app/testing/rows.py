"""Rows that only have to exist, for tests that name every kind of object."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.context import CooperativeContext
from maillage_kit.db import PlatformBase, TenantBase
from maillage_kit.ids import new_id
from maillage_kit.money import Money
from maillage_platform import models as _every_platform_model  # noqa: F401 - completes the metadata
from maillage_platform.provisioning import owner_connection
from maillage_tenants import models as _every_model  # noqa: F401 - completes the metadata


def one_of_each(
    owner_url: str, cooperative: CooperativeContext, objects: Mapping[str, str], platform_objects: Mapping[str, str]
) -> dict[str, UUID]:
    """One row in each table that an address can name, whatever its other columns: it only has to exist. Gives the ids.

    `objects` and `platform_objects`: the name of an id in an address, and the table that it is the key of, in the
    cooperative's schema and in the control plane's (where the row belongs to the cooperative).
    """
    ids = {}
    with owner_connection(owner_url) as connection:
        connection.execute(sa.text("set local session_replication_role = replica"))
        connection.execute(sa.text(f"set local search_path = {cooperative.tenant.schema}"))
        tables = {name: TenantBase.metadata.tables[table] for name, table in objects.items()}
        tables |= {name: PlatformBase.metadata.tables[f"platform.{table}"] for name, table in platform_objects.items()}
        for name, wanted in tables.items():
            row = {
                column.name: _value(wanted, column)
                for column in wanted.columns
                if not column.nullable and not column.identity
            }
            ids[name] = row["id"] = new_id()
            if name in platform_objects:
                row["cooperative_id"] = cooperative.id
            connection.execute(sa.insert(wanted), row)
            found = connection.execute(sa.select(sa.func.count()).where(wanted.c.id == ids[name])).scalar_one()
            assert found == 1
    return ids


def _value(table: sa.Table, column: sa.Column[Any]) -> Any:
    """A value that the column's type and its CHECK accept."""
    for constraint in table.constraints:
        if isinstance(constraint, sa.CheckConstraint):
            listed = re.fullmatch(rf"{column.name} in \('(\w+)'.*\)", str(constraint.sqltext))
            if listed:
                return listed[1]
    samples: dict[type, Any] = {
        datetime: datetime(2027, 3, 1, tzinfo=UTC) if "end" not in column.name else datetime(2027, 3, 2, tzinfo=UTC),
        date: date(2027, 3, 1),
        int: 1,
        bool: False,
        Decimal: Decimal(1),
        bytes: b"x",
        dict: {},
        list: [],
        UUID: new_id(),
    }
    kind = column.type.impl_instance if isinstance(column.type, sa.types.TypeDecorator) else column.type
    if isinstance(column.type, sa.types.TypeDecorator) and "Money" in type(column.type).__name__:
        return Money(1)
    try:
        return samples[kind.python_type]
    except (KeyError, RuntimeError):  # a type of PostgreSQL alone has none in Python
        return {} if "JSON" in type(kind).__name__ else "x"
