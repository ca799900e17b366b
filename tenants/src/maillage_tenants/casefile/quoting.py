"""What the quote form proposes: the trade's own lines first, then what the last quote says. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from maillage_hooks import TradePlugin
from maillage_hooks.types import LineDraft, LineKind, PricingRequest, TariffView
from maillage_tenants.interventions import Intervention
from maillage_tenants.quotes import PricedLine, QuoteKind, QuoteState, QuoteView
from maillage_tenants.tariffs import KIND_LABELS

QUARTER = 15
LONGEST = 8 * 60


@dataclass(frozen=True, slots=True)
class Row:
    """One quantity to correct. `quantity` is written the French way."""

    code: str
    label: str
    quantity: str
    unit: str


@dataclass(frozen=True, slots=True)
class QuotingForm:
    """`minutes` is what the form shows as time of work; None where time is not billed. `choices` are in minutes.

    `catalogue` is what can be added, by kind of item.
    """

    rows: tuple[Row, ...]
    minutes: int | None
    choices: tuple[tuple[int, str], ...]
    catalogue: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


def quoting_form(plugin: TradePlugin, case: Intervention, quotes: Sequence[QuoteView], *, at: datetime) -> QuotingForm:
    """The form of the next quote of the case."""
    proposed = _proposed(plugin, case, at)
    lines: Sequence[LineDraft | PricedLine] = _last_lines(quotes) or proposed
    labour = [line for line in lines if line.kind is LineKind.LABOUR]
    minutes: int | None = None
    if len(labour) == 1:
        minutes = -(-int(labour[0].quantity * 60) // QUARTER) * QUARTER
    elif not labour and any(line.kind is LineKind.LABOUR for line in proposed):
        minutes = 0
    shown = [line for line in lines if minutes is None or line.kind is not LineKind.LABOUR]
    used = {line.item_code for line in lines}
    steps = {0, *range(QUARTER, LONGEST + QUARTER, QUARTER), minutes or 0}
    return QuotingForm(
        rows=tuple(Row(line.item_code, line.label, french(line.quantity), line.unit) for line in shown),
        minutes=minutes,
        choices=tuple((step, spoken(step)) for step in sorted(steps)),
        catalogue=tuple(
            (label, items)
            for kind, label in KIND_LABELS.items()
            if (
                items := tuple(
                    (item.code, f"{item.label} ({item.unit})")
                    for item in plugin.pricing.catalogue
                    if item.kind is kind and item.code not in used
                )
            )
        ),
    )


def _proposed(plugin: TradePlugin, case: Intervention, at: datetime) -> Sequence[LineDraft]:
    """The lines that the trade would write by itself; prices do not matter here."""
    try:
        return plugin.pricing.lines(
            PricingRequest(
                type_code=case.type_code or "",
                answers={str(code): str(answer) for code, answer in case.triage.get("answers", {}).items()},
                tariff=TariffView({item.code: item.default_price for item in plugin.pricing.catalogue}, {}),
                starts_at=at,
            )
        )
    except LookupError:  # a type that the trade no longer has
        return ()


def _last_lines(quotes: Sequence[QuoteView]) -> tuple[PricedLine, ...]:
    """Drafts as they stand, both kinds; else the last emergency quote."""
    drafts = [quote for quote in quotes if quote.state is QuoteState.DRAFT]
    emergency = [quote for quote in quotes if quote.kind is QuoteKind.EMERGENCY]
    return tuple(line for quote in drafts or emergency[-1:] for line in quote.lines)


def french(quantity: Decimal) -> str:
    """`1`, `1,25`."""
    return f"{quantity.normalize():f}".replace(".", ",")


def spoken(minutes: int) -> str:
    """`45 min`, `1 h 15`."""
    if not minutes:
        return "Aucun"
    hours, rest = divmod(minutes, 60)
    return f"{rest} min" if not hours else f"{hours} h {rest:02d}" if rest else f"{hours} h"
