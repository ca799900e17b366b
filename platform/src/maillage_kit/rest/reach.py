"""Whose things a client of the API may see in one cooperative."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.errors import NotFound


@dataclass(frozen=True, slots=True)
class Reach:
    """A client sees what belongs to its customers, or everything when the cooperative said so. No scope widens it."""

    client_id: str
    everything: bool
    customers: frozenset[UUID]

    def allows(self, customer_id: UUID | None) -> bool:
        return self.everything or (customer_id is not None and customer_id in self.customers)

    def require(self, customer_id: UUID | None) -> None:
        """Raises NotFound: what is out of reach is not told from what does not exist."""
        if not self.allows(customer_id):
            raise NotFound

    def where(self, column: Any) -> sa.ColumnElement[bool]:
        """The condition of a list, on its column of customers."""
        if self.everything:
            return sa.true()
        allowed: sa.ColumnElement[bool] = column == sa.any_(sa.literal(sorted(self.customers), sa.ARRAY(sa.Uuid)))
        return allowed
