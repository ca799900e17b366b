"""Printed documents of the trades: the common frame, the records that several trades print, the way to print.

The JSON that a template receives is `DocumentData`; docs/hooks.md says it for trade authors.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from importlib.resources import files
from typing import Any, TypedDict

from maillage_hooks.types import DocumentSpec, FieldKind, ReportField
from maillage_kit import clock
from maillage_kit.clock import paris

_MONTHS = (
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()  # noqa: SIM905
)


class Party(TypedDict):
    """`address` is one line per item, commune last."""

    name: str
    address: list[str]


class CooperativeParty(Party):
    siret: str
    phone: str


class MemberParty(Party):
    """`insurance` is one printed line: insurer, policy, area (R8); empty when there is none."""

    siret: str
    insurance: str


class Site(TypedDict):
    address: list[str]
    commune: str


class PrintedField(TypedDict):
    code: str
    label: str
    value: str


class Named(TypedDict):
    code: str
    label: str


class CaseNumber(TypedDict):
    number: str


class Dates(TypedDict):
    """French, on the clock in Paris; "" when it did not happen. `issued` is a day, the others have the hour."""

    opened: str
    arrived: str
    safe: str
    done: str
    issued: str


class DocumentData(TypedDict):
    """What a template finds in `sys.inputs.data`. Everything is already written in French: a template computes nothing.

    `report` gives the printed value by field code, `fields` the same in the order of the report with labels; a field
    without answer is "". `invoice_number` is "" until the invoice exists.
    """

    document: Named
    case: CaseNumber
    cooperative: CooperativeParty
    member: MemberParty
    technician: str
    customer: Party
    site: Site
    trade: str
    type: Named
    report: dict[str, str]
    fields: list[PrintedField]
    dates: Dates
    invoice_number: str
    photo_count: int


def framed(body: str) -> str:
    """A complete template: the frame (letterhead, title, footer, helpers) followed by `body`."""
    return _read("frame.typ") + "\n" + body


def _read(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


BREAK_IN_FIELDS = ("entry_point", "damage", "securing_measures", "made_safe")


def break_in_record(type_codes: Iterable[str]) -> DocumentSpec:
    """The record of making safe after a break-in (R93). Its types hold the fields of `report.BREAK_IN`."""
    return DocumentSpec(
        code="break_in_record",
        label="Constat de mise en sécurité après effraction",
        template=framed(_read("break_in_record.typ")),
        type_codes=frozenset(type_codes),
        required_fields=BREAK_IN_FIELDS,
    )


def insurance_record(type_codes: Iterable[str]) -> DocumentSpec:
    """What the artisan saw and did, for the customer's insurer; it never says that anything is reimbursed (R91)."""
    return DocumentSpec(
        code="insurance_record",
        label="Relevé d’intervention pour l’assureur",
        template=framed(_read("insurance_record.typ")),
        type_codes=frozenset(type_codes),
        required_fields=("cause", "work_done"),
    )


def french_date(day: date) -> str:
    """`22 novembre 2026`, `1er mai 2027`."""
    number = "1er" if day.day == 1 else str(day.day)
    return f"{number} {_MONTHS[day.month - 1]} {day.year}"


def french_instant(instant: datetime | None) -> str:
    """`22 novembre 2026 à 3 h 12`, on the clock in Paris; "" for None."""
    if instant is None:
        return ""
    local = paris(instant)
    return f"{french_date(local.date())} à {local.hour} h {local.minute:02d}"


def printed(field: ReportField, value: Any) -> str:
    """One report value as printed: oui/non, a choice's label, a date in French, a number with its unit; "" for None."""
    if value is None or value == "":
        return ""
    match field.kind:
        case FieldKind.BOOLEAN:
            return "oui" if value in (True, "yes", "true") else "non"
        case FieldKind.CHOICE:
            return next((choice.label for choice in field.choices if choice.code == value), str(value))
        case FieldKind.DATE:
            return french_date(value if isinstance(value, date) else date.fromisoformat(str(value)))
        case FieldKind.NUMBER:
            return f"{str(value).replace('.', ',')} {field.unit}".rstrip()
        case _:
            return str(value)


def printed_fields(fields: Sequence[ReportField], report: Mapping[str, Any]) -> list[PrintedField]:
    """The report as `DocumentData.fields`; `DocumentData.report` is the same by code."""
    return [
        PrintedField(code=field.code, label=field.label, value=printed(field, report.get(field.code)))
        for field in fields
    ]


def render(document: DocumentSpec, data: DocumentData) -> bytes:
    """The document as PDF/A, dated now, as the core prints it. Raises typst.TypstError when the template is wrong."""
    from maillage_kit.pdf import compile_pdf  # a large library, for the processes that print only

    return compile_pdf(document.template, data, at=clock.now())
