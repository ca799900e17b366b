"""Pages of the rota: the semester, one duty and its history, who is on call at an instant, absences, own duties."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.response import Redirect, Template

from maillage_hooks import TradeRegistry
from maillage_hooks.bands import public_holiday
from maillage_kit import clock
from maillage_kit.clock import paris
from maillage_kit.context import Actor, CooperativeContext, Role
from maillage_kit.db import TenantSession
from maillage_kit.errors import AppError, Invalid
from maillage_kit.semester import Semester
from maillage_kit.web import AnyRequest, base_path, page, requires, see_other, text
from maillage_tenants import members, territory
from maillage_tenants.rota import queries, service
from maillage_tenants.rota.errors import RotaBroken, RotaHasGaps, UnknownRota
from maillage_tenants.rota.files import COLUMN_LABELS, read_instant
from maillage_tenants.rota.models import Rota, RotaState
from maillage_tenants.rota.queries import DutyRow
from maillage_tenants.rota.rules import Gap, Period, Post, check_coverage, days_of, local, weekly_shifts, whole

OFFICE = [requires(Role.OFFICE)]
MEMBER = [requires(Role.MEMBER)]
GAPS_SHOWN = 12
DUTIES_SHOWN = 60


# --- the semester -----------------------------------------------------------


@get("/rota", guards=OFFICE)
async def semester_page(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, trades: TradeRegistry
) -> Template:
    """The rota of a semester: coverage, grid of posts by weeks for one trade, what can be done next."""
    return await _semester_page(request, session, cooperative, trades)


@post("/rota/drafts", status_code=303, guards=OFFICE)
async def create_draft(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, trades: TradeRegistry
) -> Redirect:
    """Open the draft of a semester."""
    form = await request.form()
    semester = Semester.parse(text(form, "semester"))
    await service.create_draft(session, semester=semester, trades=trades, by=actor.display_name)
    return see_other(_semester_path(cooperative, semester.code), flash="Brouillon ouvert.")


@post("/rota/{rota_id:uuid}/generate", status_code=303, guards=OFFICE)
async def generate(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    rota_id: UUID,
) -> Redirect:
    """Propose a fair rota, from nothing or around what the draft holds."""
    form = await request.form()
    made = await service.generate(
        session, rota_id=rota_id, trades=trades, by=actor.display_name, keep=text(form, "keep") == "1"
    )
    rota = await queries.get_rota(session, rota_id=rota_id)
    holes = len(made.uncovered)
    said = f"{made.duties} astreintes proposées"
    return see_other(
        _semester_path(cooperative, rota.semester),
        flash=f"{said}, {holes} période{'s' if holes > 1 else ''} sans personne." if holes else f"{said}, aucun trou.",
        tone="warning" if holes else "success",
    )


@post("/rota/{rota_id:uuid}/import", status_code=303, guards=OFFICE)
async def import_file(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    rota_id: UUID,
) -> Redirect | Template:
    """Read a spreadsheet into the draft; wrong rows are shown one by one."""
    rota = await queries.get_rota(session, rota_id=rota_id)
    form = await request.form()
    sent = form.get("file")
    try:
        if not isinstance(sent, UploadFile) or not sent.filename:
            raise Invalid(fields={"file": "Choisissez un fichier."})
        async with session.begin_nested():
            report = await service.import_rows(
                session,
                rota_id=rota_id,
                content=await sent.read(),
                filename=sent.filename,
                trades=trades,
                by=actor.display_name,
                keep_good=text(form, "keep_good") == "1",
                replace=text(form, "replace") == "1",
            )
    except Invalid as wrong:
        return await _semester_page(
            request,
            session,
            cooperative,
            trades,
            semester=Semester.parse(rota.semester),
            import_errors=wrong.fields or {"file": wrong.message},
        )
    if report.errors:
        return await _semester_page(
            request, session, cooperative, trades, semester=Semester.parse(rota.semester), report=report
        )
    return see_other(_semester_path(cooperative, rota.semester), flash=f"{report.imported} astreintes importées.")


@post("/rota/{rota_id:uuid}/publish", status_code=303, guards=OFFICE)
async def publish(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    rota_id: UUID,
) -> Redirect | Template:
    """Publish by a recorded decision (R57)."""
    form = await request.form()
    rota = await queries.get_rota(session, rota_id=rota_id)
    try:
        async with session.begin_nested():
            await service.publish(
                session,
                rota_id=rota_id,
                decision=text(form, "decision"),
                despite_gaps=text(form, "despite_gaps"),
                by=actor.display_name,
                trades=trades,
            )
    except (Invalid, RotaHasGaps, RotaBroken) as wrong:
        fields = dict(wrong.fields)
        if isinstance(wrong, RotaHasGaps):
            fields["despite_gaps"] = "Ce planning a des trous : indiquez pourquoi il est publié ainsi."
        return await _semester_page(
            request,
            session,
            cooperative,
            trades,
            semester=Semester.parse(rota.semester),
            decision_errors=fields or {"": wrong.message},
            values=form,
        )
    return see_other(_semester_path(cooperative, rota.semester), flash="Planning publié.")


@post("/rota/{rota_id:uuid}/freeze", status_code=303, guards=OFFICE)
async def freeze(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    rota_id: UUID,
) -> Redirect | Template:
    """Close a published rota by a recorded decision."""
    form = await request.form()
    rota = await queries.get_rota(session, rota_id=rota_id)
    try:
        await service.freeze(session, rota_id=rota_id, by=actor.display_name, decision=text(form, "decision"))
    except Invalid as wrong:
        return await _semester_page(
            request,
            session,
            cooperative,
            trades,
            semester=Semester.parse(rota.semester),
            decision_errors=wrong.fields,
            values=form,
        )
    return see_other(_semester_path(cooperative, rota.semester), flash="Planning figé.")


# --- one duty ---------------------------------------------------------------


@get("/rota/duties/{duty_id:uuid}", guards=OFFICE)
async def one_duty(request: AnyRequest, session: TenantSession, trades: TradeRegistry, duty_id: UUID) -> Template:
    """A duty, who can take it, and everything that was published for its post over its period."""
    return await _duty_page(request, session, trades, duty_id)


@post("/rota/duties/{duty_id:uuid}/change", status_code=303, guards=OFFICE)
async def change_duty(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    duty_id: UUID,
) -> Redirect | Template:
    """Give the duty, or a part of it, to somebody else."""
    form = await request.form()
    try:
        over = _period(form)
        async with session.begin_nested():
            fresh = await service.change_duty(
                session,
                duty_id=duty_id,
                technician_id=_technician(form),
                by=actor.display_name,
                reason=text(form, "reason"),
                over=over,
            )
    except AppError as wrong:
        if wrong.status == 404:
            raise
        return await _duty_page(request, session, trades, duty_id, errors=_told(wrong), values=form)
    return see_other(f"{base_path(cooperative)}/rota/duties/{fresh.id}", flash="Remplacement enregistré.")


@post("/rota/duties/{duty_id:uuid}/remove", status_code=303, guards=OFFICE)
async def remove_duty(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    duty_id: UUID,
) -> Redirect | Template:
    """Take the duty out, leaving a gap."""
    form = await request.form()
    duty = await queries.duty(session, duty_id=duty_id)
    rota = await queries.get_rota(session, rota_id=duty.rota_id)
    try:
        await service.remove_duty(session, duty_id=duty_id, by=actor.display_name, reason=text(form, "reason"))
    except AppError as wrong:
        return await _duty_page(request, session, trades, duty_id, errors=_told(wrong), values=form)
    return see_other(_semester_path(cooperative, rota.semester), flash="Astreinte retirée.", tone="warning")


@get("/rota/{rota_id:uuid}/fill", guards=OFFICE)
async def gap_form(request: AnyRequest, session: TenantSession, trades: TradeRegistry, rota_id: UUID) -> Template:
    """The form that puts somebody on a post nobody holds."""
    return await _gap_page(request, session, trades, rota_id, values=request.query_params)


@post("/rota/{rota_id:uuid}/fill", status_code=303, guards=OFFICE)
async def fill_gap(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    rota_id: UUID,
) -> Redirect | Template:
    """Put somebody on a post nobody holds."""
    form = await request.form()
    try:
        period = _period(form)
        if period is None:
            raise Invalid(fields={"starts_at": "Indiquez le début et la fin."})
        async with session.begin_nested():
            await service.fill_gap(
                session,
                rota_id=rota_id,
                post_id=_whole_number(text(form, "post")),
                technician_id=_technician(form),
                period=period,
                by=actor.display_name,
                reason=text(form, "reason"),
            )
    except AppError as wrong:
        if wrong.status == 404:
            raise
        return await _gap_page(request, session, trades, rota_id, values=form, errors=_told(wrong))
    rota = await queries.get_rota(session, rota_id=rota_id)
    return see_other(_semester_path(cooperative, rota.semester), flash="Astreinte attribuée.")


# --- who is on call ---------------------------------------------------------


@get("/rota/on-call", guards=OFFICE)
async def on_call_page(request: AnyRequest, session: TenantSession, trades: TradeRegistry) -> Template:
    """Who is, was or will be on call at an instant, and what was known of it at another (rule 3)."""
    asked = request.query_params
    errors: dict[str, str] = {}
    at = _asked_instant(asked.get("at", ""), "at", errors) or clock.now()
    known_at = _asked_instant(asked.get("known_at", ""), "known_at", errors)
    trade = asked.get("trade", "")
    chosen = [trade] if trade in trades else list(trades.codes)
    semester = Semester.containing(at)
    tables = []
    for code in chosen:
        sectors = await territory.sectors(session, trade=code, semester=semester)
        wanted = [sector for sector in sectors if asked.get("sector", "") in ("", str(sector.id))]
        found = await queries.on_call(
            session, sector_ids=[sector.id for sector in wanted], trade=code, at=at, known_at=known_at
        )
        held = {(one.sector_id, one.rank): one for one in found}
        tables.append(
            {
                "trade": trades.label(code),
                "rows": [
                    {"sector": sector.name, "rank": rank, "found": held.get((sector.id, rank))}
                    for sector in wanted
                    for rank in (1, 2)
                ],
            }
        )
    return page(
        request,
        "rota/on_call.html",
        status_code=422 if errors else 200,
        at=at,
        known_at=known_at,
        at_value=asked.get("at") or f"{paris(at):%Y-%m-%dT%H:%M}",
        known_value=asked.get("known_at", ""),
        trade=trade,
        sector=asked.get("sector", ""),
        trade_options=[(code, trades.label(code)) for code in trades.codes],
        sector_options=[(str(one.id), f"{one.code} · {one.name}") for one in await territory.all_sectors(session)],
        tables=tables,
        errors=errors,
    )


# --- absences ---------------------------------------------------------------


@get("/rota/absences", guards=OFFICE)
async def absences_page(request: AnyRequest, session: TenantSession) -> Template:
    """Absences to come, and the form that records one."""
    return await _absences_page(request, session, values={})


@post("/rota/absences", status_code=303, guards=OFFICE)
async def add_absence(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext
) -> Redirect | Template:
    """Record an absence."""
    form = await request.form()
    try:
        period = _period(form)
        if period is None:
            raise Invalid(fields={"starts_at": "Indiquez le début et la fin."})
        await service.add_absence(
            session,
            technician_id=_technician(form),
            starts_at=period.starts_at,
            ends_at=period.ends_at,
            hard=text(form, "kind") != "soft",
            reason=text(form, "reason"),
        )
    except Invalid as wrong:
        return await _absences_page(request, session, values=form, errors=_told(wrong))
    return see_other(f"{base_path(cooperative)}/rota/absences", flash="Absence enregistrée.")


@post("/rota/absences/{absence_id:uuid}/remove", status_code=303, guards=OFFICE)
async def remove_absence(session: TenantSession, cooperative: CooperativeContext, absence_id: UUID) -> Redirect:
    """Take an absence back."""
    await service.remove_absence(session, absence_id=absence_id)
    return see_other(f"{base_path(cooperative)}/rota/absences", flash="Absence retirée.")


# --- the artisan's own ------------------------------------------------------


@get("/field/duties", guards=MEMBER)
async def own_duties(request: AnyRequest, session: TenantSession, actor: Actor, trades: TradeRegistry) -> Template:
    """The coming duties of the person who is signed in."""
    now = clock.now()
    held = (
        await queries.duties_of(session, technician_id=actor.technician_id, since=now, limit=DUTIES_SHOWN)
        if actor.technician_id
        else ()
    )
    return page(
        request,
        "rota/own_duties.html",
        duties=[
            {"row": duty, "trade": trades.label(duty.trade), "current": duty.starts_at <= now, "period": _spoken(duty)}
            for duty in held
        ],
    )


# --- pages ------------------------------------------------------------------


async def _semester_page(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    trades: TradeRegistry,
    *,
    semester: Semester | None = None,
    report: service.ImportReport | None = None,
    import_errors: Mapping[str, str] | None = None,
    decision_errors: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
) -> Template:
    now = clock.now()
    current = Semester.containing(now)
    if semester is None:
        asked = request.query_params.get("semester", "")
        semester = Semester.parse(asked) if asked else current
    trade = request.query_params.get("trade", "")
    trade = trade if trade in trades else next(iter(trades.codes), "")
    rota = await queries.rota_of(session, semester=semester)
    found = await service.review(session, rota_id=rota.id, trades=trades) if rota else None
    posts = await queries.posts(session, semester=semester, trades=trades, trade=trade) if trade else ()
    sector = request.query_params.get("sector", "")
    sectors = {post.sector_id: post.name.split(",")[0].removeprefix("Secteur ") for post in posts}
    shown = [post for post in posts if sector in ("", str(post.sector_id))]
    shifts = weekly_shifts(semester)
    duties = await queries.duties(session, rota_id=rota.id, post_ids=[post.id for post in shown]) if rota else ()
    failed = bool(report or import_errors or decision_errors)
    path = _semester_path(cooperative, semester.code)
    return page(
        request,
        "rota/semester.html",
        status_code=422 if failed else 200,
        semester=semester,
        semester_options=[
            (one.code, one.label.capitalize()) for one in sorted({current, current.next, current.next.next, semester})
        ],
        rota=rota,
        review=found,
        gaps=[_gap_link(gap, rota, base_path(cooperative)) for gap in found.gaps[:GAPS_SHOWN]]
        if found and rota
        else [],
        more_gaps=max(0, len(found.gaps) - GAPS_SHOWN) if found else 0,
        problems=found.problems[:GAPS_SHOWN] if found else (),
        trade=trade,
        trade_label=trades.label(trade) if trade else "",
        trade_tabs=[
            {
                "href": f"{path}&trade={code}",
                "label": trades.label(code),
                "current": code == trade,
                "icon": trades.get(code).trade.icon,
                "badge": sum(gap.post.trade == code for gap in found.gaps) if found else None,
            }
            for code in trades.codes
        ],
        sector=sector,
        sector_options=[(str(sector_id), name) for sector_id, name in sectors.items()],
        weeks=[_week(shift, now, cooperative.department) for shift in shifts],
        rows=_grid(shown, shifts, duties, rota, base_path(cooperative)) if rota else [],
        report=report,
        report_errors=[(error, COLUMN_LABELS.get(error.column, "")) for error in report.errors[:200]] if report else [],
        import_errors=import_errors or {},
        decision_errors=decision_errors or {},
        values=values or {},
        is_draft=rota is not None and rota.state == RotaState.DRAFT,
    )


async def _duty_page(
    request: AnyRequest,
    session: TenantSession,
    trades: TradeRegistry,
    duty_id: UUID,
    *,
    errors: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
) -> Template:
    duty = await queries.duty(session, duty_id=duty_id)
    rota = await queries.get_rota(session, rota_id=duty.rota_id)
    semester = Semester.parse(rota.semester)
    every = await queries.posts(session, semester=semester, trades=trades)
    post = next((post for post in every if post.id == duty.post_id), None)
    return page(
        request,
        "rota/duty.html",
        status_code=422 if errors else 200,
        duty=duty,
        rota=rota,
        semester=semester,
        post_name=post.name if post else f"Poste {duty.post_id}",
        trade=post.trade if post else "",
        technician_options=await _able(session, post.trade, duty.period) if post else [],
        history=await queries.history(session, post_id=duty.post_id, over=duty.period),
        starts_value=f"{paris(duty.starts_at):%Y-%m-%dT%H:%M}",
        ends_value=f"{paris(duty.ends_at):%Y-%m-%dT%H:%M}",
        live=rota.state != RotaState.DRAFT,
        frozen=rota.state == RotaState.FROZEN,
        period=str(duty.period),
        errors=errors or {},
        values=values or {},
    )


async def _gap_page(
    request: AnyRequest,
    session: TenantSession,
    trades: TradeRegistry,
    rota_id: UUID,
    *,
    values: Mapping[str, Any],
    errors: Mapping[str, str] | None = None,
) -> Template:
    rota = await queries.get_rota(session, rota_id=rota_id)
    semester = Semester.parse(rota.semester)
    post_id = _whole_number(text(values, "post"))
    post = next((p for p in await queries.posts(session, semester=semester, trades=trades) if p.id == post_id), None)
    if post is None:
        raise UnknownRota
    try:
        period = _period(values) or whole(semester)
    except Invalid:
        period = whole(semester)
    return page(
        request,
        "rota/gap.html",
        status_code=422 if errors else 200,
        rota=rota,
        semester=semester,
        post=post,
        technician_options=await _able(session, post.trade, period),
        values=values,
        live=rota.state != RotaState.DRAFT,
        errors=errors or {},
    )


async def _absences_page(
    request: AnyRequest,
    session: TenantSession,
    *,
    values: Mapping[str, Any],
    errors: Mapping[str, str] | None = None,
) -> Template:
    now = clock.now()
    return page(
        request,
        "rota/absences.html",
        status_code=422 if errors else 200,
        absences=await queries.absences(session, over=Period(now, now + timedelta(days=550))),
        technician_options=[(row.id, f"{row.name} · {row.member_name}") for row in await members.technicians(session)],
        values=values,
        errors=errors or {},
    )


async def _able(session: TenantSession, trade: str, period: Period) -> list[tuple[str, list[tuple[str, str]]]]:
    """Who may take a duty, free people first, then those who are on call elsewhere; people who may not are left out."""
    first, last = days_of(period)
    standings = {standing.technician_id: standing for standing in await members.standings(session)}
    able = [
        (str(row.id), f"{row.name} · {row.member_name}")
        for row in await members.technicians(session)
        if members.assignability_over(standings[row.id], trade, first, last).ok
    ]
    busy = {str(technician_id) for technician_id in await queries.busy(session, over=period)}
    groups = [
        ("Libres", [option for option in able if option[0] not in busy]),
        ("Déjà d’astreinte sur une partie de la période", [option for option in able if option[0] in busy]),
    ]
    return [group for group in groups if group[1]]


# --- shapes of the grid -----------------------------------------------------


def _week(shift: Period, now: datetime, department: str) -> dict[str, Any]:
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
        "holiday": ", ".join(dict.fromkeys(holidays)) or None,
    }


def _grid(
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
            "href": _gap_link(gaps[0], rota, base)["href"],
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


def _gap_link(gap: Gap, rota: Rota, base: str) -> dict[str, str]:
    start, end = paris(gap.period.starts_at), paris(gap.period.ends_at)
    return {
        "text": str(gap),
        "href": f"{base}/rota/{rota.id}/fill?post={gap.post.id}"
        f"&starts_at={start:%Y-%m-%dT%H:%M}&ends_at={end:%Y-%m-%dT%H:%M}",
    }


def _spoken(duty: queries.OwnDuty) -> str:
    return f"{local(duty.starts_at)} → {local(duty.ends_at)}"


# --- reading forms ----------------------------------------------------------


def _semester_path(cooperative: CooperativeContext, code: str) -> str:
    return f"{base_path(cooperative)}/rota?semester={code}"


def _period(form: Mapping[str, Any]) -> Period | None:
    """The period of a form in wall-clock time of Paris; None when both ends are left empty. Raises Invalid."""
    errors: dict[str, str] = {}
    typed = {name: text(form, name) for name in ("starts_at", "ends_at")}
    if not any(typed.values()):
        return None
    read = {name: _asked_instant(value, name, errors, required=True) for name, value in typed.items()}
    start, end = read["starts_at"], read["ends_at"]
    if start is None or end is None:
        raise Invalid(fields=errors)
    if end <= start:
        raise Invalid(fields={"ends_at": "La fin est avant le début."})
    return Period(start, end)


def _asked_instant(value: str, name: str, errors: dict[str, str], *, required: bool = False) -> datetime | None:
    if not value.strip() and not required:
        return None
    try:
        return read_instant(value)
    except ValueError as wrong:
        errors[name] = str(wrong)
        return None


def _technician(form: Mapping[str, Any]) -> UUID:
    try:
        return UUID(text(form, "technician"))
    except ValueError as wrong:
        raise Invalid(fields={"technician": "Choisissez une personne."}) from wrong


def _whole_number(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 18 else 0


def _told(wrong: AppError) -> dict[str, str]:
    return wrong.fields or {"": wrong.message}


ROUTES = [
    semester_page,
    create_draft,
    generate,
    import_file,
    publish,
    freeze,
    one_duty,
    change_duty,
    remove_duty,
    gap_form,
    fill_gap,
    on_call_page,
    absences_page,
    add_absence,
    remove_absence,
    own_duties,
]
