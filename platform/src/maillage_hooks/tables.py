"""Declarative helpers for trades: delays, prices and reports said as tables.

A trade may use them or write its own objects: the core knows the protocols of `specs` only.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from maillage_hooks.types import (
    CatalogueItem,
    DocumentSpec,
    EmergencyGround,
    InterventionType,
    LineDraft,
    LineKind,
    Place,
    PricingRequest,
    Priority,
    ReportField,
    SlaRequest,
    SlaTargets,
    UrgencyScope,
)

Answers = Mapping[str, str]

# -------------------------------------------------------------------------------------------------------------- delays

ACCEPT_MINUTES = 15
ARRIVE_MINUTES = {Place.URBAN: 120, Place.RURAL: 180}


@dataclass(frozen=True)
class StandardSla:
    """The common delays of R88, the same at night and on holidays.

    - P0 belongs to the emergency services: no promise.
    - P1, P2: accepted within 15 minutes, arrival within 2 h in town and 3 h elsewhere. A plan can only promise
      better: each delay is the stricter of the plan's and the standard. Made safe at the first visit: arrival plus
      the usual time on site.
    - P3: the next working day, whatever the plan, whose minutes are about emergencies.
    """

    types: Sequence[InterventionType]

    def targets(self, request: SlaRequest) -> SlaTargets:
        if request.priority is Priority.P0:
            return SlaTargets(accept_minutes=None, arrive_minutes=None)
        if request.priority is Priority.P3:
            return SlaTargets(accept_minutes=None, arrive_minutes=None, next_working_day=True)
        accept, arrive = ACCEPT_MINUTES, ARRIVE_MINUTES[request.place]
        if plan := request.plan:
            promised = plan.arrive_minutes_urban if request.place is Place.URBAN else plan.arrive_minutes_rural
            accept = _stricter(accept, plan.accept_minutes)
            arrive = _stricter(arrive, promised)
        on_site = next((kind.expected_minutes for kind in self.types if kind.code == request.type_code), 60)
        return SlaTargets(accept_minutes=accept, arrive_minutes=arrive, safe_minutes=arrive + on_site)


def _stricter(standard: int, promised: int | None) -> int:
    return standard if promised is None else min(standard, promised)


# -------------------------------------------------------------------------------------------------------------- prices


def labour_hours(minutes: int) -> Decimal:
    """Hours billed: the first one is indivisible, then each quarter-hour begun counts (R2, the way time is counted)."""
    quarters = max(4, -(-minutes // 15))
    return Decimal(quarters) / 4


def _no_ground(_type_code: str, _answers: Answers) -> EmergencyGround | None:
    return None


@dataclass(frozen=True)
class PriceBook:
    """Prices by table: travel, then either lump sums or labour by the hour, then the parts.

    - `travel`, `labour`: item codes, for the travel and for one hour.
    - `works`: lump sums and quantities that the type and the answers call for; empty means labour by the hour, and
      the code of labour among them means lump sums and labour. Quantities in `PricingRequest.parts` replace these:
      what was fitted is billed, not what the triage guessed.
    - `necessary`: by type, the parts strictly necessary to end the emergency. Any other part is complementary and
      goes on a quote of its own, with the right of withdrawal (R15).
    - `follow_up`: complementary parts that keep the ground of the emergency for VAT: R15 and R31 draw different lines.
    - `not_urgent`: types that are never an emergency: everything on them is complementary.
    - `not_dispatched`: types that are always redirected (R87): no line.
    - `ground`: the R31 ground of a type given the answers.

    `labour_minutes=0` without parts is a visit where nothing could be done: travel alone, without ground, because
    travel billed alone is not works (R32). The surcharge applies to what is strictly necessary, parts excepted:
    complementary works have their own quote and their own day.
    """

    types: Sequence[InterventionType]
    catalogue: Sequence[CatalogueItem]
    travel: str
    labour: str
    works: Callable[[str, Answers], Mapping[str, Decimal]]
    necessary: Mapping[str, frozenset[str]]
    ground: Callable[[str, Answers], EmergencyGround | None] = _no_ground
    follow_up: frozenset[str] = frozenset()
    not_urgent: frozenset[str] = frozenset()
    not_dispatched: frozenset[str] = frozenset()
    _items: Mapping[str, CatalogueItem] = field(init=False, repr=False)
    _minutes: Mapping[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_items", {item.code: item for item in self.catalogue})
        object.__setattr__(self, "_minutes", {kind.code: kind.expected_minutes for kind in self.types})

    def lines(self, request: PricingRequest) -> list[LineDraft]:
        """The lines, excluding VAT and surcharge. Raises LookupError: unknown type, item not in the tariff."""
        if request.type_code not in self._minutes:
            raise LookupError(f"type d’intervention inconnu : {request.type_code}")
        if request.type_code in self.not_dispatched:
            return []
        if request.labour_minutes == 0 and not any(quantity > 0 for quantity in request.parts.values()):
            return [self._line(request, self.travel, Decimal(1), emergency={self.travel}, ground=None)]
        works = self.works(request.type_code, request.answers)
        base = {self.travel: Decimal(1), **works}
        if not works or self.labour in works:
            base[self.labour] = self._hours(request)
        emergency: set[str] = set()
        if request.type_code not in self.not_urgent:
            emergency = {*base, *self.necessary.get(request.type_code, ())}
        ground = self.ground(request.type_code, request.answers)
        quantities = {**base, **request.parts}
        return [
            self._line(request, code, quantity, emergency=emergency, ground=ground)
            for code, quantity in quantities.items()
            if quantity > 0
        ]

    def _hours(self, request: PricingRequest) -> Decimal:
        minutes = request.labour_minutes
        return labour_hours(self._minutes[request.type_code] if minutes is None else minutes)

    def _line(
        self,
        request: PricingRequest,
        code: str,
        quantity: Decimal,
        *,
        emergency: set[str],
        ground: EmergencyGround | None,
    ) -> LineDraft:
        item, price = self._items.get(code), request.tariff.prices.get(code)
        if item is None or price is None:
            raise LookupError(f"article absent du barème : {code}")
        necessary = code in emergency
        return LineDraft(
            item_code=code,
            label=item.label,
            kind=item.kind,
            quantity=quantity,
            unit=item.unit,
            unit_price=price,
            scope=UrgencyScope.STRICTLY_NECESSARY if necessary else UrgencyScope.COMPLEMENTARY,
            surcharged=necessary and item.kind is not LineKind.PART,
            emergency_ground=ground if necessary or code in self.follow_up else None,
            fossil_boiler=item.fossil_boiler,
        )


# -------------------------------------------------------------------------------------------------------------- report


@dataclass(frozen=True)
class DeclaredReport:
    """Report rules read from the types. A type that no longer exists has no field: old cases stay readable."""

    version: int
    types: Sequence[InterventionType]
    documents: Sequence[DocumentSpec] = ()

    def fields(self, type_code: str) -> Sequence[ReportField]:
        return next((kind.report_fields for kind in self.types if kind.code == type_code), ())
