"""Shapes of the semester's grid: posts by weeks."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from maillage_hooks.bands import public_holiday
from maillage_kit.clock import paris
from maillage_tenants.rota.models import Rota
from maillage_tenants.rota.queries import DutyRow
from maillage_tenants.rota.rules import Gap, Period, Post, check_coverage


def week(shift: Period, now: datetime, department: str) -> dict[str, Any]:
    start = paris(shift.starts_at)
    days = [(start + timedelta(days=offset)).date() for offset in range(8)]
    holidays = [
        name
        for day in days
        if day <= paris(shift.ends_at - timedelta(seconds=1)).date() and (name := public_holiday(day, department))
    ]
    return {
        "label": f"{start:%d/%m}",
        "detail": f"→ {paris(shift.ends_at):%d/%m}",
        "current": shift.starts_at <= now < shift.ends_at,
        "holiday": _first_and_more(list(dict.fromkeys(holidays))),
    }


def _first_and_more(names: Sequence[str]) -> str | None:
    """`Ascension +1`: a column is narrow."""
    return None if not names else names[0] + (f" +{len(names) - 1}" if len(names) > 1 else "")


def grid(
    posts: Sequence[Post], shifts: Sequence[Period], duties: Sequence[DutyRow], rota: Rota, base: str
) -> list[dict[str, Any]]:
    held: dict[int, list[DutyRow]] = defaultdict(list)
    for duty in duties:
        held[duty.post_id].append(duty)
    rows: list[dict[str, Any]] = []
    sector = None
    for place in posts:
        name = place.name.split(",")[0].removeprefix("Secteur ")
        if place.sector_id != sector:
            sector = place.sector_id
            rows.append({"group": name})
        rows.append(
            {
                "group": None,
                "label": f"Rang {place.rank}",
                "detail": "",
                "cells": [_cell(place, shift, held[place.id], rota, base) for shift in shifts],
            }
        )
    return rows


def _cell(post: Post, shift: Period, duties: Sequence[DutyRow], rota: Rota, base: str) -> dict[str, Any]:
    inside = [duty for duty in duties if duty.period.overlaps(shift)]
    gaps = check_coverage([post], {post.id: [duty.period for duty in inside]}, shift).gaps
    if gaps:
        who = ", ".join(dict.fromkeys(duty.name for duty in inside))
        return {
            "text": "Vacant" if not inside else f"{_short(inside[0])} + vacant",
            "title": f"{gaps[0]}" + (f" ; {who}" if who else ""),
            "state": "vacant",
            "href": gap_link(gaps[0], rota, base)["href"],
        }
    shown = max(inside, key=lambda duty: min(duty.ends_at, shift.ends_at) - max(duty.starts_at, shift.starts_at))
    others = len({duty.technician_id for duty in inside}) - 1
    changed = next((duty for duty in inside if duty.live and duty.reason), None)
    return {
        "text": _short(shown) + (f" +{others}" if others else ""),
        "title": " ; ".join(f"{duty.name} ({duty.member_name}) {duty.period}" for duty in inside),
        "state": "substituted" if changed else None,
        "href": f"{base}/rota/duties/{(changed or shown).id}",
    }


def _short(duty: DutyRow) -> str:
    """`K. Benali`."""
    first, _, last = duty.name.partition(" ")
    return f"{first[:1]}. {last}" if last else first


def gap_link(gap: Gap, rota: Rota, base: str) -> dict[str, str]:
    start, end = paris(gap.period.starts_at), paris(gap.period.ends_at)
    return {
        "text": str(gap),
        "href": f"{base}/rota/{rota.id}/fill?post={gap.post.id}"
        f"&starts_at={start:%Y-%m-%dT%H:%M}&ends_at={end:%Y-%m-%dT%H:%M}",
    }
