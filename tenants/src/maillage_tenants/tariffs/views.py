"""Price grids as pages and posters show them: every price with VAT (R2, R3)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from maillage_hooks import TradeRegistry
from maillage_hooks.documents import french_date
from maillage_hooks.types import LineKind
from maillage_kit.clock import paris
from maillage_kit.context import CooperativeContext
from maillage_kit.money import Money
from maillage_kit.phone import show_phone
from maillage_tenants.tariffs import rules
from maillage_tenants.tariffs.rules import TariffVersion

KIND_LABELS = {
    LineKind.TRAVEL: "Déplacement",
    LineKind.LABOUR: "Main-d’œuvre",
    LineKind.LUMP_SUM: "Forfaits",
    LineKind.DIAGNOSIS: "Diagnostic",
    LineKind.PART: "Pièces",
}
NOTE_RULE = (
    "Une note est remise avant paiement pour toute prestation de 25 € TTC ou plus, et sur demande au-dessous "
    "(arrêté du 3 octobre 1983)."
)


@dataclass(frozen=True, slots=True)
class PriceRow:
    """`gross_reduced` is None where the reduced rate never applies (fossil boilers, R30)."""

    code: str
    label: str
    unit: str
    net: Money
    gross_reduced: Money | None
    gross_normal: Money


@dataclass(frozen=True, slots=True)
class PriceGroup:
    label: str
    rows: tuple[PriceRow, ...]


@dataclass(frozen=True, slots=True)
class TariffCard:
    """One version, ready to be shown."""

    version: TariffVersion
    trade_label: str
    groups: tuple[PriceGroup, ...]
    surcharges: tuple[tuple[str, str], ...]
    quote_price: str
    state: str
    ends_at: datetime | None

    @property
    def surcharge_rows(self) -> list[tuple[str, str]]:
        return [(f"Majoration {label}", amount) for label, amount in self.surcharges]


def tariff_card(version: TariffVersion, *, trades: TradeRegistry, at: datetime) -> TariffCard:
    normal_rate_only = {
        item.code
        for plugin in trades.enabled([version.trade])
        for item in plugin.pricing.catalogue
        if item.fossil_boiler
    }
    groups = []
    for kind, label in KIND_LABELS.items():
        rows = tuple(
            PriceRow(
                code=item.code,
                label=item.label,
                unit=item.unit,
                net=item.unit_price,
                gross_reduced=None
                if item.code in normal_rate_only
                else rules.with_vat(item.unit_price, rules.REDUCED_VAT),
                gross_normal=rules.with_vat(item.unit_price, rules.NORMAL_VAT),
            )
            for item in version.items
            if item.kind is kind
        )
        if rows:
            groups.append(PriceGroup(label, rows))
    return TariffCard(
        version=version,
        trade_label=trades.label(version.trade),
        groups=tuple(groups),
        surcharges=tuple(
            (rules.BAND_LABELS[band], f"+ {rules.percent_text(version.view.surcharges.get(band, 0))}")
            for band in rules.SURCHARGED_BANDS
            if version.view.surcharges.get(band, 0)
        ),
        quote_price=rules.quote_price_text(version.quote_price),
        state=state_of(version, at),
        ends_at=None if version.withdrawn else version.valid_to,
    )


def state_of(version: TariffVersion, at: datetime) -> str:
    """`withdrawn`, `planned`, `in_force` or `past`."""
    if version.withdrawn:
        return "withdrawn"
    if at < version.valid_from:
        return "planned"
    return "in_force" if version.in_force(at) else "past"


def poster_data(cooperative: CooperativeContext, cards: Iterable[TariffCard], *, at: datetime) -> dict[str, Any]:
    """The JSON of `documents/poster.typ` (R3): the grid in force, to hang where customers are received."""
    return {
        "title": "Tarifs de dépannage",
        "author": cooperative.legal_name,
        "footer": [
            f"{cooperative.legal_name}, {cooperative.legal_form}, {cooperative.address}",
            f"Numéro du service, non surtaxé : {show_phone(cooperative.public_number)}",
        ],
        "name": cooperative.name,
        "phone": show_phone(cooperative.public_number),
        "day": french_date(paris(at).date()),
        "trades": [
            {
                "label": card.trade_label,
                "since": french_date(paris(card.version.valid_from).date()),
                "version": str(card.version.version),
                "groups": [
                    {
                        "label": group.label,
                        "rows": [
                            [row.label, row.unit, str(row.gross_reduced or "—"), str(row.gross_normal)]
                            for row in group.rows
                        ],
                    }
                    for group in card.groups
                ],
                "surcharges": [[label, amount] for label, amount in card.surcharges],
                "time_counting": card.version.time_counting,
                "quote_price": card.quote_price,
                "conditions": card.version.conditions,
            }
            for card in cards
        ],
        "note_rule": NOTE_RULE,
        "mediator": f"{cooperative.mediator_name}, {cooperative.mediator_contact}",
    }
