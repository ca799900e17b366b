"""Plans on offer, as machines read them."""

from typing import Annotated, Self
from uuid import UUID

from maillage_kit.rest.shapes import Shown, said
from maillage_tenants.subscriptions.queries import PlanCard

Minutes = Annotated[int | None, said("Délai promis ; nul : rien de promis.", "Promised delay; null: none.", 60)]


class PlanOut(Shown):
    """Une formule publiée : des délais et une disponibilité, jamais une assurance (R28). / A published plan."""

    id: UUID
    code: str
    name: str
    description: str
    trades: list[str]
    yearly_price_cents: Annotated[int, said("Par an, hors taxes.", "A year, without taxes.", 9900)]
    yearly_price_with_vat_cents: Annotated[int, said("Par an, TTC.", "A year, with taxes.", 11880)]
    accept_minutes: Minutes
    arrive_minutes_urban: Minutes
    arrive_minutes_rural: Minutes

    @classmethod
    def of(cls, card: PlanCard) -> Self:
        facts = card.facts
        return cls(
            id=card.id,
            code=facts.code,
            name=facts.name,
            description=facts.description,
            trades=list(facts.trades),
            yearly_price_cents=facts.yearly_price.cents,
            yearly_price_with_vat_cents=card.price_with_vat.cents,
            accept_minutes=facts.accept_minutes,
            arrive_minutes_urban=facts.arrive_minutes_urban,
            arrive_minutes_rural=facts.arrive_minutes_rural,
        )
