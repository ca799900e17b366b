"""Column shapes that both planes use."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import mapped_column

from maillage_kit import clock
from maillage_kit.ids import new_id

Key = Annotated[UUID, mapped_column(sa.Uuid, primary_key=True, default=new_id)]
"""UUIDv7 primary key."""

Created = Annotated[datetime, mapped_column(default=clock.now)]
"""The instant the row was written, by the application's clock."""


def one_of(column: str, values: Iterable[str]) -> sa.CheckConstraint:
    """A CHECK that `column` holds one of `values`, usually a StrEnum (why no enum type: docs/tenancy.md)."""
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} in ({listed})", name=f"{column}_known")
