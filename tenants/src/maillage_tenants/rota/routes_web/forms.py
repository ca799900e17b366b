"""Reading the forms of the rota."""

import contextlib
from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar.datastructures import UploadFile

from maillage_kit import clock
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import AppError, Invalid
from maillage_kit.web import base_path, every, text
from maillage_tenants.rota.calendar_files import MOST_PERIODS, read_busy
from maillage_tenants.rota.errors import UnreadableFile
from maillage_tenants.rota.files import read_instant
from maillage_tenants.rota.rules import Period

FROM_CALENDAR = "Importée d’un calendrier"
AHEAD = timedelta(days=550)
"""How far ahead absences are shown and read: three semesters."""


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


def period_required(form: Mapping[str, Any]) -> Period:
    """As `period_of`; both ends empty is a mistake too."""
    period = period_of(form)
    if period is None:
        raise Invalid(fields={"starts_at": "Indiquez le début et la fin."})
    return period


async def periods_sent(form: Mapping[str, Any]) -> tuple[Period, ...]:
    """The times taken in the calendar file of a form, for a year from now. Raises Invalid."""
    sent = form.get("file")
    if not isinstance(sent, UploadFile) or not sent.filename:
        raise Invalid(fields={"file": "Choisissez un fichier."})
    now = clock.now()
    try:
        return read_busy(await sent.read(), over=Period(now, now + AHEAD))
    except UnreadableFile as wrong:
        raise Invalid(fields={"file": wrong.message}) from wrong


def chosen_periods(form: Mapping[str, Any]) -> tuple[Period, ...]:
    """The periods ticked in `period_options`. Raises Invalid when there is none."""
    found = []
    for value in every(form, "periods"):
        start, _, end = value.partition("/")
        with contextlib.suppress(ValueError):
            found.append(
                Period(
                    clock.require_aware(datetime.fromisoformat(start)), clock.require_aware(datetime.fromisoformat(end))
                )
            )
    if not found:
        raise Invalid(fields={"periods": "Cochez au moins une période."})
    return tuple(found[:MOST_PERIODS])


def period_options(periods: Sequence[Period]) -> list[tuple[str, str]]:
    return [(f"{period.starts_at.isoformat()}/{period.ends_at.isoformat()}", str(period)) for period in periods]


def counted(number: int, done: str) -> str:
    """« 2 absences demandées. »"""
    plural = "s" if number > 1 else ""
    return f"{number} absence{plural} {done}{plural}."


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


def points_typed(value: str) -> int | None:
    """A whole number as it was typed; None when it is none, which is not 0."""
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None


async def refusal(session: TenantSession, act: Awaitable[Any]) -> AppError | None:
    """Act in a savepoint; what refused it, to be told on the page. That something does not exist is raised."""
    try:
        async with session.begin_nested():
            await act
    except AppError as wrong:
        if wrong.status == 404:
            raise
        return wrong
    return None


def told(wrong: AppError) -> dict[str, str]:
    return wrong.fields or {"": wrong.message}
