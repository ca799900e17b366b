"""Reading what is typed about a business: dates, numbers, groups of boxes."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from maillage_kit.errors import AppError, Invalid
from maillage_kit.web import text

Form = Mapping[str, Any]


def dates_of(form: Form, *names: str) -> dict[str, date]:
    found, fields = {}, {}
    for name in names:
        try:
            found[name] = date.fromisoformat(text(form, name))
        except ValueError:
            fields[name] = "Indiquez une date."
    if fields:
        raise Invalid(fields=fields)
    return found


def numbers_of(form: Form, *names: str) -> dict[str, int]:
    found, fields = {}, {}
    for name in names:
        value = text(form, name)
        if value.isascii() and value.isdigit() and len(value) < 9:
            found[name] = int(value)
        else:
            fields[name] = "Indiquez un nombre entier."
    if fields:
        raise Invalid(fields=fields)
    return found


def told(wrong: AppError) -> dict[str, str]:
    return wrong.fields or {"": wrong.message}
