"""What a partner says with its request, kept with the case."""

from dataclasses import dataclass
from uuid import UUID

from maillage_kit.db import TenantSession
from maillage_kit.money import Money
from maillage_tenants.partners.models import PartnerOrder


@dataclass(frozen=True, slots=True)
class Order:
    """`reference` is the partner's own, of its file; `purchase_order` its order; `spending_limit` with taxes, None: no
    limit said; the occupant is who opens the door (R94), `occupant_phone` in E.164."""

    reference: str = ""
    purchase_order: str = ""
    spending_limit: Money | None = None
    occupant_name: str = ""
    occupant_phone: str | None = None

    @property
    def words(self) -> str:
        """What the artisan and the office read in the story of the case; "" when nothing was said."""
        parts = (
            self.reference and f"référence {self.reference}",
            self.purchase_order and f"bon de commande {self.purchase_order}",
            self.spending_limit is not None and f"plafond {self.spending_limit} TTC, au-delà le partenaire décide",
        )
        return ", ".join(part for part in parts if part)


async def write_order(session: TenantSession, *, case_id: UUID, client_id: str, order: Order) -> None:
    """Keep the order with the case, once."""
    session.add(
        PartnerOrder(
            intervention_id=case_id,
            client_id=client_id,
            reference=order.reference,
            purchase_order=order.purchase_order,
            spending_limit=order.spending_limit,
            occupant_name=order.occupant_name,
            occupant_phone=order.occupant_phone,
        )
    )
    await session.flush()
