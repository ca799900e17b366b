"""The vocabulary of a trade: frozen data that plugins declare and the core reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from maillage_kit.money import Money

# --------------------------------------------------------------------------------------------------------- the trade


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade. `code` is a stable ASCII identifier; `spoken` completes « Pour …, tapez 1 »."""

    code: str
    label: str
    icon: str
    keypad_digit: int
    spoken: str
    api_version: int = 1


class Priority(StrEnum):
    """R85. P0 goes to the emergency services and is never dispatched; P3 waits for the next working day."""

    P0 = "P0"
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"


class FieldKind(StrEnum):
    TEXT = "text"
    LONG_TEXT = "long_text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Choice:
    code: str
    label: str


@dataclass(frozen=True, slots=True)
class ReportField:
    """A field of the intervention report. `choices` is filled for CHOICE only; `unit` is shown after the value."""

    code: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = False
    choices: tuple[Choice, ...] = ()
    unit: str = ""
    help: str = ""


class NextStep(StrEnum):
    """What usually follows once made safe (R84): nothing, a second visit, or a quote of its own (R15)."""

    NONE = "none"
    SECOND_VISIT = "second_visit"
    SEPARATE_QUOTE = "separate_quote"


@dataclass(frozen=True, slots=True)
class InterventionType:
    """One line of the trade's catalogue (R84). `expected_minutes` is the usual time on site, in minutes."""

    code: str
    label: str
    default_priority: Priority
    expected_minutes: int
    tool_kit: tuple[str, ...] = ()
    report_fields: tuple[ReportField, ...] = ()
    next_step: NextStep = NextStep.NONE


# ------------------------------------------------------------------------------------------------------------- triage


class QuestionKind(StrEnum):
    CHOICE = "choice"
    YES_NO = "yes_no"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Question:
    """One triage question (R85). `handler_text` is read by the call handler, `public_text` by the customer on the web.

    `only_if` is (question code, accepted answer codes): asked only when that answer was given. YES_NO answers are
    `yes` and `no`.
    """

    code: str
    handler_text: str
    public_text: str
    kind: QuestionKind = QuestionKind.CHOICE
    choices: tuple[Choice, ...] = ()
    only_if: tuple[str, frozenset[str]] | None = None
    required: bool = True


@dataclass(frozen=True, slots=True)
class SafetyScript:
    """Words to read out, exact and short (R86)."""

    code: str
    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Redirect:
    """The call is for somebody else (R87). When `blocks_dispatch`, no artisan is sent and no SLA clock starts."""

    code: str
    label: str
    phone_numbers: tuple[str, ...]
    script: SafetyScript
    blocks_dispatch: bool = True


@dataclass(frozen=True, slots=True)
class TriageResult:
    """The outcome of the answers. `missing` lists required questions still unanswered: the rest is then provisional.

    After a blocking redirect nothing is missing: the caller is not kept on the phone.
    """

    type_code: str
    priority: Priority
    redirect: Redirect | None = None
    safety: tuple[SafetyScript, ...] = ()
    missing: tuple[str, ...] = ()


# --------------------------------------------------------------------------------------------------- time bands, delays


class TimeBand(StrEnum):
    """The tariff band of an instant in Paris; the core decides it (`maillage_hooks.bands`, R89, R100)."""

    DAY = "day"
    NIGHT = "night"
    SATURDAY = "saturday"
    SUNDAY = "sunday"
    HOLIDAY = "holiday"


class Place(StrEnum):
    URBAN = "urban"
    RURAL = "rural"


@dataclass(frozen=True, slots=True)
class PlanPromise:
    """What the customer's plan promises, in minutes; None where it promises nothing of its own."""

    code: str
    accept_minutes: int | None
    arrive_minutes_urban: int | None
    arrive_minutes_rural: int | None


@dataclass(frozen=True, slots=True)
class SlaRequest:
    type_code: str
    priority: Priority
    bands: frozenset[TimeBand]
    place: Place
    plan: PlanPromise | None


@dataclass(frozen=True, slots=True)
class SlaTargets:
    """Promised delays in minutes from T2, qualified (R88). None: no promise in minutes for that step.

    `next_working_day`: arrival is promised on the day given by `bands.next_working_day`, not in minutes (P3).
    """

    accept_minutes: int | None
    arrive_minutes: int | None
    safe_minutes: int | None = None
    next_working_day: bool = False


# ------------------------------------------------------------------------------------------------------------- pricing


class LineKind(StrEnum):
    LABOUR = "labour"
    TRAVEL = "travel"
    PART = "part"
    LUMP_SUM = "lump_sum"
    DIAGNOSIS = "diagnosis"


class UrgencyScope(StrEnum):
    """R15: only what is strictly necessary to meet the emergency escapes the right of withdrawal."""

    STRICTLY_NECESSARY = "strictly_necessary"
    COMPLEMENTARY = "complementary"


class EmergencyGround(StrEnum):
    """R31: the grounds on which urgent works on a dwelling are taxed at 10 % whatever its age."""

    WATER_LEAK = "water_leak"
    BREAK_IN = "break_in"
    LOST_KEYS = "lost_keys"
    BROKEN_OPENING = "broken_opening"


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """One priced item that the trade proposes. `default_price` is excluding VAT, per `unit`; the cooperative sets its
    own.

    `fossil_boiler` marks the supply and fitting of a fossil-fuel boiler: 20 % since 1 March 2025 (R30).
    """

    code: str
    label: str
    kind: LineKind
    unit: str
    default_price: Money
    fossil_boiler: bool = False


@dataclass(frozen=True, slots=True)
class TariffView:
    """The cooperative's tariff for the trade at that instant: unit prices excluding VAT by item code, surcharge by
    band.

    Surcharges are in basis points (5000 = +50 %). The core applies the single highest one (R89); a plugin never
    multiplies by it.
    """

    prices: Mapping[str, Money]
    surcharges: Mapping[TimeBand, int]


@dataclass(frozen=True, slots=True)
class PricingRequest:
    """`labour_minutes` is None before the work (the plugin then uses the type's expected time).

    0 without parts means that nothing could be done (customer absent, quote refused): travel alone (R32). `parts` maps
    catalogue codes to quantities.
    """

    type_code: str
    answers: Mapping[str, str]
    tariff: TariffView
    starts_at: datetime
    labour_minutes: int | None = None
    parts: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LineDraft:
    """One quote line before tax. The price is the tariff's, excluding VAT and surcharge: the core adds surcharge and
    VAT.

    `surcharged` says whether the night, weekend or holiday surcharge applies to this line (labour and travel usually).
    `emergency_ground` is the reason that allows 10 % on a dwelling of any age (R31), None when there is none.
    """

    item_code: str
    label: str
    kind: LineKind
    quantity: Decimal
    unit: str
    unit_price: Money
    scope: UrgencyScope = UrgencyScope.STRICTLY_NECESSARY
    surcharged: bool = False
    emergency_ground: EmergencyGround | None = None
    fossil_boiler: bool = False


# -------------------------------------------------------------------------------------------------------------- report


@dataclass(frozen=True, slots=True)
class DocumentSpec:
    """A document the trade can print from a closed report (R90, R93).

    `template` is Typst source; the core gives it the case as JSON in `sys.inputs.data` (see docs/hooks.md).
    `type_codes` are the intervention types it is offered for; `required_fields` the report fields it needs.
    """

    code: str
    label: str
    template: str
    type_codes: frozenset[str]
    required_fields: tuple[str, ...] = ()


Report = Mapping[str, Any]
