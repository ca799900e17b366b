"""Reading the forms of the rota."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from maillage_kit.context import CooperativeContext
from maillage_kit.errors import AppError, Invalid
from maillage_kit.web import base_path, text
from maillage_tenants.rota.files import read_instant
from maillage_tenants.rota.rules import Period


def semester_path(cooperative: CooperativeContext, code: str) -> str:
    return f"{base_path(cooperative)}/rota?semester={code}"


def period_of(form: Mapping[str, Any]) -> Period | None:
    """The period of a form in wall-clock time of Paris; None when both ends are left empty. Raises Invalid."""
    errors: dict[str, str] = {}
    typed = {name: text(form, name) for name in ("starts_at", "ends_at")}
    if not any(typed.values()):
        return None
    read = {name: asked_instant(value, name, errors, required=True) for name, value in typed.items()}
    start, end = read["starts_at"], read["ends_at"]
    if start is None or end is None:
        raise Invalid(fields=errors)
    if end <= start:
        raise Invalid(fields={"ends_at": "La fin est avant le début."})
    return Period(start, end)


def asked_instant(value: str, name: str, errors: dict[str, str], *, required: bool = False) -> datetime | None:
    if not value.strip() and not required:
        return None
    try:
        return read_instant(value)
    except ValueError as wrong:
        errors[name] = str(wrong)
        return None


def chosen_technician(form: Mapping[str, Any]) -> UUID:
    try:
        return UUID(text(form, "technician"))
    except ValueError as wrong:
        raise Invalid(fields={"technician": "Choisissez une personne."}) from wrong


def whole_number(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 18 else 0


def told(wrong: AppError) -> dict[str, str]:
    return wrong.fields or {"": wrong.message}
