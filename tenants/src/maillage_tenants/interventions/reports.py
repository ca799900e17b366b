"""The artisan's report checked against the fields that the trade declares. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from maillage_hooks.types import FieldKind, ReportField
from maillage_tenants.interventions.errors import InvalidReport

_WORDS = {"yes": True, "no": False}
MAX_TEXT = 4_000


def check_report(fields: Sequence[ReportField], values: Mapping[str, str], *, complete: bool) -> dict[str, Any]:
    """The values as JSON, typed as the trade declares; fields left empty are absent, unknown ones are dropped.

    Raises InvalidReport with one message per wrong field, and per missing one when `complete`.
    """
    checked: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for field in fields:
        raw = values.get(field.code, "").strip()
        if not raw:
            if field.required and complete:
                problems[field.code] = "À remplir."
            continue
        try:
            checked[field.code] = _typed(field, raw)
        except ValueError as exc:
            problems[field.code] = str(exc)
    if problems:
        raise InvalidReport(fields=problems)
    return checked


def missing_fields(fields: Sequence[ReportField], report: Mapping[str, object]) -> tuple[str, ...]:
    """Codes of the required fields that the report does not have."""
    return tuple(field.code for field in fields if field.required and field.code not in report)


def as_form(fields: Sequence[ReportField], report: Mapping[str, Any]) -> dict[str, str]:
    """The stored report as form values: the inverse of `check_report`."""
    shown: dict[str, str] = {}
    for field in fields:
        value = report.get(field.code)
        if isinstance(value, bool):
            shown[field.code] = "yes" if value else "no"
        elif value is not None:
            shown[field.code] = str(value)
    return shown


def as_words(fields: Sequence[ReportField], report: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """(label, value) pairs to read, in the trade's order; a field the trade dropped since keeps its code as label."""
    known = {field.code: field for field in fields}
    ordered = [code for code in known if code in report] + sorted(code for code in report if code not in known)
    pairs = []
    for code in ordered:
        field = known.get(code)
        value = report[code]
        if isinstance(value, bool):
            words = "Oui" if value else "Non"
        elif field is not None and field.kind is FieldKind.CHOICE:
            words = next((choice.label for choice in field.choices if choice.code == value), str(value))
        elif field is not None and field.kind is FieldKind.DATE:
            words = date.fromisoformat(str(value)).strftime("%d/%m/%Y")
        else:
            words = str(value).replace(".", ",") if field and field.kind is FieldKind.NUMBER else str(value)
        pairs.append((field.label if field else code, f"{words} {field.unit}".strip() if field else words))
    return tuple(pairs)


def _typed(field: ReportField, raw: str) -> Any:
    if field.kind is FieldKind.BOOLEAN:
        if raw not in _WORDS:
            raise ValueError("Répondez par oui ou non.")
        return _WORDS[raw]
    if field.kind is FieldKind.NUMBER:
        try:
            number = Decimal(raw.replace(",", ".").replace(" ", ""))
        except InvalidOperation as exc:
            raise ValueError("Un nombre est attendu.") from exc
        if not number.is_finite():
            raise ValueError("Un nombre est attendu.")
        return format(number, "f")
    if field.kind is FieldKind.CHOICE:
        if raw not in {choice.code for choice in field.choices}:
            raise ValueError("Choisissez une des réponses.")
        return raw
    if field.kind is FieldKind.DATE:
        try:
            return date.fromisoformat(raw).isoformat()
        except ValueError as exc:
            raise ValueError("Une date est attendue.") from exc
    if len(raw) > MAX_TEXT:
        raise ValueError(f"{MAX_TEXT} caractères au plus.")
    return raw
