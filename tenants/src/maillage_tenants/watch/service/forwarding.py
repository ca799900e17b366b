"""The static forward list: whom the operator sends calls to, week ahead, when nothing here answers (R104)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.clock import paris
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession, insert_once
from maillage_kit.pdf import on_paper, render_pdf
from maillage_kit.phone import show_phone
from maillage_tenants import audit, messages
from maillage_tenants.watch import queries, rules
from maillage_tenants.watch.models import ForwardList
from maillage_tenants.watch.rules import Forward
from maillage_tenants.watch.service.running import BY_ITSELF, ensure_setting


@dataclass(frozen=True, slots=True)
class Forwards:
    """A forward list: its week, its lines, and the same lines as text in the order of `rules.COLUMNS`."""

    starts_at: datetime
    ends_at: datetime
    lines: tuple[Forward, ...]
    rows: tuple[tuple[str, ...], ...]


async def current_forwards(
    session: TenantSession, *, cooperative: CooperativeContext, trades: TradeRegistry, at: datetime
) -> Forwards:
    """The list for the week from `at`, by the published rotas: who is called first and second in each sector for each
    trade, then the fallback. At every instant it says what `rota.on_call` says."""
    end = at + timedelta(days=rules.FORWARD_DAYS)
    lines = rules.forwards(
        await queries.places(session, trades=trades, start=at, end=end),
        await queries.watchers(session, start=at, end=end),
        start=at,
        end=end,
    )
    rows = rules.rows_of(
        lines, manager=(cooperative.manager_name, cooperative.manager_phone), fallback=cooperative.fallback_phone
    )
    return Forwards(at, end, lines, tuple(tuple(row) for row in rows))


async def make_daily(session: TenantSession, *, cooperative: CooperativeContext, trades: TradeRegistry) -> UUID | None:
    """The list of the day, once, from five in the morning in Paris; sent to the operator when an address is known.
    Lists older than thirty days are erased: they hold people's numbers. None when there was nothing to do."""
    now = clock.now()
    today = paris(now)
    if today.hour < rules.FORWARD_HOUR or await queries.has_daily_list(session, day=today.date()):
        return None
    await session.execute(sa.delete(ForwardList).where(ForwardList.made_at < now - rules.FORWARDS_KEPT))
    made = await _make(session, cooperative=cooperative, trades=trades, day=today.date(), daily=True, by=BY_ITSELF)
    chosen = await ensure_setting(session)
    if made is not None and chosen.operator_email:
        await _send(session, cooperative=cooperative, forward_id=made, to=chosen.operator_email)
    return made


async def make_now(session: TenantSession, *, cooperative: CooperativeContext, trades: TradeRegistry, by: str) -> UUID:
    """Another list, at once: after a change of the rota. Sent too."""
    day = paris(clock.now()).date()
    made = await _make(session, cooperative=cooperative, trades=trades, day=day, daily=False, by=by)
    assert made is not None
    chosen = await ensure_setting(session)
    if chosen.operator_email:
        await _send(session, cooperative=cooperative, forward_id=made, to=chosen.operator_email)
    return made


async def _make(
    session: TenantSession, *, cooperative: CooperativeContext, trades: TradeRegistry, day: date, daily: bool, by: str
) -> UUID | None:
    now = clock.now()
    found = await current_forwards(session, cooperative=cooperative, trades=trades, at=now)
    content: dict[str, Any] = {"number": cooperative.public_number, "rows": [list(row) for row in found.rows]}
    return await insert_once(
        session,
        ForwardList,
        day=day,
        daily=daily,
        made_at=now,
        made_by=by,
        starts_at=found.starts_at,
        ends_at=found.ends_at,
        content=content,
    )


async def _send(session: TenantSession, *, cooperative: CooperativeContext, forward_id: UUID, to: str) -> None:
    made = await queries.forward_list(session, forward_id=forward_id)
    body = "\n".join(
        (
            f"{cooperative.name}, numéro {show_phone(made.content['number'])} : renvois à poser si le service ne",
            f"répond plus, du {rules.with_zone(made.starts_at)} au {rules.with_zone(made.ends_at)}, heures de Paris.",
            "",
            *(rules.in_words(row) for row in made.content["rows"]),
            "",
            "Le même tableau, pour un import :",
            "",
            rules.as_csv(made.content["rows"]),
        )
    )
    await messages.send_email(
        session,
        to=to,
        subject=f"{cooperative.name} : liste de renvois du {made.day:%d/%m/%Y}",
        body=body,
        purpose="forward_list",
        dedupe_key=f"watch:forwards:{forward_id}",
    )
    await audit.record(
        session,
        actor=BY_ITSELF,
        action="watch.send_forwards",
        subject_type="forward_list",
        subject_id=forward_id,
        detail={"rows": len(made.content["rows"])},
    )


async def read(session: TenantSession, *, forward_id: UUID, form: str, by: str) -> ForwardList:
    """A list, for somebody who downloads it: written in the audit log, it holds people's numbers. Raises NotFound."""
    made = await queries.forward_list(session, forward_id=forward_id)
    await audit.record(
        session,
        actor=by,
        action="watch.read_forwards",
        subject_type="forward_list",
        subject_id=forward_id,
        detail={"form": form},
    )
    return made


async def as_pdf(made: ForwardList, *, cooperative: CooperativeContext) -> bytes:
    """The list on paper, one table per trade and sector, for whoever poses the forwards by hand."""
    data = {
        "title": f"Liste de renvois du {made.day:%d/%m/%Y}",
        "author": cooperative.legal_name,
        "footer": [f"{cooperative.legal_name}, {cooperative.address}", "Contient des numéros personnels : à détruire."],
        "name": cooperative.name,
        "number": show_phone(made.content["number"]),
        "from": rules.with_zone(made.starts_at),
        "until": rules.with_zone(made.ends_at),
        "columns": list(rules.COLUMNS),
        "groups": _groups(made.content["rows"]),
    }
    return await render_pdf(on_paper("maillage_tenants.watch", "forwards"), data, at=made.made_at)


def _groups(rows: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    found: dict[tuple[str, str], list[list[str]]] = {}
    for sector, trade, start, end, who, phone, then, then_phone, fallback in rows:
        found.setdefault((trade, sector), []).append(
            [
                start,
                end,
                who,
                show_phone(phone),
                then,
                show_phone(then_phone) if then_phone else "",
                show_phone(fallback),
            ]
        )
    return [{"trade": trade, "sector": sector, "rows": lines} for (trade, sector), lines in found.items()]
