"""Prices without database and without clock: what a version holds, what is announced from it (R2, R89)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from maillage_hooks.bands import highest_surcharge
from maillage_hooks.types import InterventionType, LineKind, TariffView, TimeBand
from maillage_kit.money import Money
from maillage_tenants.tariffs.errors import TariffIncomplete

NORMAL_VAT = 2000
REDUCED_VAT = 1000
"""The two rates a visitor may meet (R30). Both prices are shown: which one applies depends on the premises."""

BAND_LABELS: Mapping[TimeBand, str] = {
    TimeBand.DAY: "jour",
    TimeBand.NIGHT: "nuit, de 20 h à 7 h",
    TimeBand.SATURDAY: "samedi",
    TimeBand.SUNDAY: "dimanche",
    TimeBand.HOLIDAY: "jour férié",
}
SURCHARGED_BANDS = tuple(band for band in TimeBand if band is not TimeBand.DAY)
MAX_SURCHARGE = 20_000
"""In basis points: +200 %. More is a typing mistake."""

DEFAULT_SURCHARGES: Mapping[TimeBand, int] = {
    TimeBand.NIGHT: 5000,
    TimeBand.SATURDAY: 5000,
    TimeBand.SUNDAY: 5000,
    TimeBand.HOLIDAY: 10_000,
}
"""R89: night and weekend between +50 and +100 %. The cooperative sets its own."""

DEFAULT_TIME_COUNTING = "La première heure est indivisible ; ensuite, chaque quart d’heure commencé compte."
DEFAULT_CONDITIONS = (
    "Le prix est annoncé au téléphone avant le départ de l’artisan. Un devis écrit est remis avant tous travaux. "
    "Les majorations ne se cumulent pas : seule la plus élevée s’applique, selon l’heure de début de l’intervention. "
    "Elle ne porte pas sur les pièces."
)


@dataclass(frozen=True, slots=True)
class PricedItem:
    """One item of the grid. `unit_price` excludes VAT and surcharge."""

    code: str
    label: str
    kind: LineKind
    unit: str
    unit_price: Money


@dataclass(frozen=True, slots=True)
class TariffVersion:
    """One version for one trade, in force over `[valid_from, valid_to)`. `quote_price` includes VAT; zero: free."""

    id: UUID
    trade: str
    version: int
    valid_from: datetime
    valid_to: datetime | None
    view: TariffView
    items: tuple[PricedItem, ...]
    time_counting: str
    quote_price: Money
    conditions: str

    @property
    def withdrawn(self) -> bool:
        """Planned, then withdrawn before it came into force: kept, never applied."""
        return self.valid_to == self.valid_from

    def in_force(self, at: datetime) -> bool:
        return self.valid_from <= at and (self.valid_to is None or at < self.valid_to)


def check_grid(
    items: Sequence[PricedItem],
    surcharges: Mapping[TimeBand, int],
    *,
    time_counting: str,
    quote_price: Money,
    conditions: str,
) -> None:
    """Raises TariffIncomplete naming each field, unless R2's six items can be announced from this grid."""
    problems: dict[str, str] = {}
    kinds = {item.kind for item in items}
    if LineKind.LABOUR not in kinds:
        problems["items"] = "Il faut un taux horaire de main-d’œuvre."
    elif LineKind.TRAVEL not in kinds:
        problems["items"] = "Il faut un prix de déplacement."
    codes = [item.code for item in items]
    if len(set(codes)) != len(codes):
        problems["items"] = "Un article est en double."
    for item in items:
        if item.unit_price < Money.zero():
            problems[f"price_{item.code}"] = f"« {item.label} » : le prix ne peut pas être négatif."
        elif not item.unit_price and item.kind in (LineKind.LABOUR, LineKind.TRAVEL):
            problems[f"price_{item.code}"] = f"« {item.label} » : indiquez un prix."
    for band, basis_points in surcharges.items():
        if band is TimeBand.DAY or not 0 <= basis_points <= MAX_SURCHARGE:
            problems[f"surcharge_{band}"] = "Une majoration va de 0 à 200 %."
    if not time_counting.strip():
        problems["time_counting"] = "Indiquez comment le temps est compté."
    if quote_price < Money.zero():
        problems["quote_price"] = "Le prix du devis ne peut pas être négatif."
    if not conditions.strip():
        problems["conditions"] = "Indiquez les autres conditions, ou « Aucune »."
    if problems:
        raise TariffIncomplete(fields=problems)


def surcharged(price: Money, basis_points: int) -> Money:
    """A unit price with its surcharge, rounded half up to the cent."""
    return price.percent(10_000 + basis_points)


def with_vat(price: Money, basis_points: int) -> Money:
    return price + price.percent(basis_points)


def announcement(
    tariff: TariffVersion, *, bands: frozenset[TimeBand], type: InterventionType | None = None
) -> dict[str, Any]:
    """R2's six items, VAT included, for an intervention that starts in `bands`: JSON values, to be frozen on the case.

    Amounts are cents: `gross_reduced` at 10 % (dwelling over two years old, or emergency of R31), `gross_normal` at
    20 %. The single highest surcharge (R89) is in the prices of everything but parts.
    """
    band, basis_points = highest_surcharge(bands, tariff.view.surcharges)

    def priced(*kinds: LineKind) -> list[dict[str, Any]]:
        return [_announced(item, basis_points) for item in tariff.items if item.kind in kinds]

    return {
        "tariff": {
            "id": str(tariff.id),
            "trade": tariff.trade,
            "version": tariff.version,
            "valid_from": tariff.valid_from.isoformat(),
        },
        "type": {"code": type.code, "label": type.label, "expected_minutes": type.expected_minutes} if type else None,
        "band": {
            "code": band.value if basis_points else TimeBand.DAY.value,
            "label": BAND_LABELS[band if basis_points else TimeBand.DAY],
            "basis_points": basis_points,
        },
        "labour": priced(LineKind.LABOUR),
        "time_counting": tariff.time_counting,
        "lump_sums": priced(LineKind.LUMP_SUM, LineKind.DIAGNOSIS),
        "travel": priced(LineKind.TRAVEL),
        "quote": {"gross": tariff.quote_price.cents, "text": quote_price_text(tariff.quote_price)},
        "conditions": tariff.conditions,
        "surcharges": [
            {"band": other.value, "label": BAND_LABELS[other], "basis_points": tariff.view.surcharges.get(other, 0)}
            for other in SURCHARGED_BANDS
        ],
    }


def announcement_text(announced: Mapping[str, Any]) -> str:
    """The same six items as a short text, for the telephone and for the message sent before the artisan leaves (R2)."""
    band = announced["band"]
    surcharge = f", majoration de {percent_text(band['basis_points'])} comprise ({band['label']})"
    parts = [
        f"Tarifs TTC{surcharge if band['basis_points'] else ''} (TVA 10 % en logement de plus de deux ans, sinon 20 %)"
    ]
    for item in (*announced["travel"], *announced["labour"]):
        parts.append(f"{item['label']} : {_both(item)} par {item['unit']}")
    parts.append(announced["time_counting"])
    if announced["lump_sums"]:
        parts.append("Forfaits : " + ", ".join(f"{item['label']} {_both(item)}" for item in announced["lump_sums"]))
    parts.append(announced["quote"]["text"])
    parts.append(announced["conditions"])
    return ". ".join(part.strip().rstrip(".") for part in parts) + "."


def quote_price_text(price: Money) -> str:
    return f"Devis payant : {price} TTC" if price else "Devis gratuit"


def percent_text(basis_points: int) -> str:
    """`50 %`, `5,5 %`."""
    whole, rest = divmod(basis_points, 100)
    decimals = f",{rest:02d}".rstrip("0") if rest else ""
    return f"{whole}{decimals}\u00a0%"


def _announced(item: PricedItem, basis_points: int) -> dict[str, Any]:
    net = surcharged(item.unit_price, basis_points)
    return {
        "code": item.code,
        "label": item.label,
        "unit": item.unit,
        "gross_reduced": with_vat(net, REDUCED_VAT).cents,
        "gross_normal": with_vat(net, NORMAL_VAT).cents,
    }


def _both(item: Mapping[str, Any]) -> str:
    return f"{Money(item['gross_reduced'])} ou {Money(item['gross_normal'])}"
