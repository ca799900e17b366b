"""The rota outside the screen: a poster for the wall, a spreadsheet that can be read back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from maillage_hooks import TradeRegistry
from maillage_hooks.bands import public_holiday
from maillage_kit import clock
from maillage_kit.clock import paris
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.pdf import on_paper, render_pdf
from maillage_kit.phone import show_phone
from maillage_kit.semester import Semester
from maillage_tenants import territory
from maillage_tenants.rota import queries
from maillage_tenants.rota.files import write_rows
from maillage_tenants.rota.models import RotaState
from maillage_tenants.rota.queries import DutyRow
from maillage_tenants.rota.rules import RANKS, Period, weekly_shifts

SECTORS_A_PAGE = 8
MORE_COLUMNS = ("Entreprise", "Téléphone", "Motif")


async def poster(
    session: TenantSession, *, rota_id: UUID, trade: str, cooperative: CooperativeContext, trades: TradeRegistry
) -> bytes:
    """The semester of a trade as an A3 poster (PDF/A): weeks down, sectors across, both ranks. Raises UnknownRota."""
    rota = await queries.get_rota(session, rota_id=rota_id)
    semester = Semester.parse(rota.semester)
    posts = await queries.posts(session, semester=semester, trades=trades, trade=trade)
    held: dict[int, list[DutyRow]] = {post.id: [] for post in posts}
    for duty in await queries.duties(session, rota_id=rota_id, post_ids=list(held)):
        held[duty.post_id].append(duty)
    by_rank = {(post.sector_id, post.rank): held[post.id] for post in posts}
    sectors = list(await territory.sectors(session, trade=trade, semester=semester))
    parts = [sectors[start : start + SECTORS_A_PAGE] for start in range(0, len(sectors), SECTORS_A_PAGE)]
    draft = rota.state == RotaState.DRAFT
    label = trades.label(trade)
    data = {
        "title": f"Astreintes {label.lower()}, {semester.label}" + (" — BROUILLON" if draft else ""),
        "author": cooperative.legal_name,
        "footer": [
            f"{cooperative.legal_name}, {cooperative.address}",
            f"Imprimé le {paris(clock.now()):%d/%m/%Y à %H:%M}. Les remplacements se lisent en ligne : "
            "en gras qui est appelé en premier, dessous qui est appelé en second.",
        ],
        "number": show_phone(cooperative.public_number),
        "decision": f"Décision : {rota.decision}" if rota.decision else "",
        "parts": [
            {
                "sectors": [sector.name for sector in part],
                "weeks": [
                    {
                        "label": f"{paris(shift.starts_at):%d/%m} → {paris(shift.ends_at):%d/%m}",
                        "holiday": _holidays(shift, cooperative.department),
                        "cells": [
                            dict(
                                zip(
                                    ("first", "second"),
                                    (_names(by_rank.get((sector.id, rank), ()), shift) for rank in RANKS),
                                    strict=True,
                                )
                            )
                            for sector in part
                        ],
                    }
                    for shift in weekly_shifts(semester)
                ],
            }
            for part in parts
        ],
    }
    return await render_pdf(on_paper("maillage_tenants.rota", "poster"), data, at=clock.now())


async def spreadsheet(session: TenantSession, *, rota_id: UUID, trades: TradeRegistry) -> bytes:
    """Every duty in force of a rota as an Excel file that the import reads back. Raises UnknownRota."""
    rota = await queries.get_rota(session, rota_id=rota_id)
    posts = {
        post.id: post for post in await queries.posts(session, semester=Semester.parse(rota.semester), trades=trades)
    }
    names = {sector.id: sector.name for sector in await territory.all_sectors(session)}
    rows: list[Sequence[object]] = [
        (
            names[post.sector_id],
            trades.label(post.trade),
            post.rank,
            duty.name,
            duty.starts_at,
            duty.ends_at,
            duty.member_name,
            show_phone(duty.phone),
            duty.reason,
        )
        for duty in await queries.duties(session, rota_id=rota_id)
        if (post := posts.get(duty.post_id)) is not None
    ]
    return write_rows(f"Astreintes {rota.semester}", rows, more=MORE_COLUMNS)


def _names(duties: Sequence[DutyRow], shift: Period) -> str:
    """Who holds a post in a week: one name, or each with where it begins when it changes inside the week."""
    inside = sorted((duty for duty in duties if duty.period.overlaps(shift)), key=lambda duty: duty.starts_at)
    return ", ".join(
        duty.name + (f" (dès {_short(duty.starts_at)})" if duty.starts_at > shift.starts_at else "") for duty in inside
    )


def _short(instant: datetime) -> str:
    return f"{paris(instant):%d/%m %Hh}"


def _holidays(shift: Period, department: str) -> str:
    day, last = paris(shift.starts_at).date(), paris(shift.ends_at - timedelta(seconds=1)).date()
    found: dict[str, Any] = {}
    while day <= last:
        if name := public_holiday(day, department):
            found[name] = day
        day += timedelta(days=1)
    return ", ".join(found)
