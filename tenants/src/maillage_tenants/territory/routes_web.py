"""Pages of the territory: sectors by trade and semester, communes, what is wrong."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import AppError
from maillage_kit.permissions import Permission
from maillage_kit.semester import Semester
from maillage_kit.web import AnyRequest, base_path, every, page, requires, see_other, text, url_with
from maillage_tenants.territory import queries, service
from maillage_tenants.territory.errors import InvalidSectorName, UnknownSector


@get("/territory", guards=[requires(Permission.SETTINGS_READ)])
async def overview(request: AnyRequest, session: TenantSession, trades: TradeRegistry) -> Template:
    """The sectors of a semester for a trade, whether they are valid, and the search of a commune."""
    semester, trade = _chosen(request, trades)
    wanted = request.query_params.get("q", "").strip()
    found = await queries.search_commune(session, text=wanted, limit=20) if wanted else ()
    sectors = await queries.sectors(session, trade=trade, semester=semester) if trade else ()
    by_id = {sector.id: sector for sector in sectors}
    adjacency = await queries.adjacency(session, trade=trade, semester=semester) if trade else {}
    return page(
        request,
        "territory/overview.html",
        **_shown(request, semester, trade, trades),
        sectors=sectors,
        neighbours={
            sector_id: ", ".join(by_id[other].name for other in others if other in by_id)
            for sector_id, others in adjacency.items()
        },
        report=await queries.report(session, trade=trade, semester=semester) if trade else None,
        in_force=await queries.semester_in_force(session, trade=trade, semester=semester) if trade else None,
        q=wanted,
        found=found,
        sector_of=await queries.sectors_of_communes(
            session, insee_codes=[row.insee for row in found], trade=trade, semester=semester
        ),
        total_communes=sum(sector.communes for sector in sectors),
        total_population=sum(sector.population for sector in sectors),
    )


@get("/territory/sectors/{sector_id:uuid}", guards=[requires(Permission.SETTINGS_READ)])
async def one_sector(request: AnyRequest, session: TenantSession, trades: TradeRegistry, sector_id: UUID) -> Template:
    """The communes of a sector, its neighbours, and the form that moves communes away."""
    return await _sector_page(request, session, trades, sector_id)


@post("/territory/sectors/{sector_id:uuid}/communes", status_code=303, guards=[requires(Permission.SETTINGS_WRITE)])
async def move_communes(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    sector_id: UUID,
) -> Redirect | Template:
    """Move communes of this sector to another one, or make a new sector of them."""
    form = await request.form()
    semester, trade = _chosen(request, trades)
    sent = Moving(frozenset(every(form, "insee")), text(form, "target"), text(form, "name"))
    errors = {}
    into: queries.SectorRef | None = None
    if not sent.insee:
        errors["insee"] = "Cochez au moins une commune."
    if not sent.target:
        errors["target"] = "Choisissez le secteur d’arrivée."
    if not errors:
        how: dict[str, Any] = {"semester": semester, "trade": trade, "insee_codes": sent.insee}
        try:
            async with session.begin_nested():
                if sent.target == NEW_SECTOR:
                    into = await service.split_off(session, **how, name=sent.name, by=actor.display_name)
                else:
                    target = _uuid(sent.target)
                    into = await service.move_communes(session, **how, sector_id=target, by=actor.display_name)
        except InvalidSectorName as wrong:
            errors = {"name": wrong.message}
        except AppError as wrong:
            errors = wrong.fields or {"": wrong.message}
    if into is None:
        return await _sector_page(request, session, trades, sector_id, errors=errors, sent=sent)
    told = f"Secteur {into.code} · {into.name} : {_communes(len(sent.insee))} de plus."
    if sent.target == NEW_SECTOR:
        told = (
            f"Secteur {into.code} · {into.name} créé avec {_communes(len(sent.insee))}. "
            "Personne n’y est encore d’astreinte : réparez le planning publié."
        )
    path = f"{base_path(cooperative)}/territory/sectors/{into.id}?semester={semester.code}&trade={trade}"
    return see_other(path, flash=told)


NEW_SECTOR = "new"


@dataclass(frozen=True)
class Moving:
    """What the form said: INSEE codes, a sector's id or `NEW_SECTOR`, the name of the new one."""

    insee: frozenset[str] = frozenset()
    target: str = ""
    name: str = ""


async def _sector_page(
    request: AnyRequest,
    session: TenantSession,
    trades: TradeRegistry,
    sector_id: UUID,
    *,
    errors: dict[str, str] | None = None,
    sent: Moving = Moving(),
) -> Template:
    semester, trade = _chosen(request, trades)
    sectors = await queries.sectors(session, trade=trade, semester=semester)
    sector = next((one for one in sectors if one.id == sector_id), None)
    if sector is None:
        raise UnknownSector
    communes = await queries.communes_of_sector(session, sector_id=sector_id, trade=trade, semester=semester)
    return page(
        request,
        "territory/sector.html",
        status_code=422 if errors else 200,
        **_shown(request, semester, trade, trades),
        sector=sector,
        targets=[(one.id, f"{one.code} · {one.name}") for one in sectors if one.id != sector_id]
        + [(NEW_SECTOR, "Un nouveau secteur")],
        communes=communes,
        neighbours=await queries.neighbours_of(session, sector_id=sector_id, trade=trade, at=semester.starts_at),
        errors=errors or {},
        sent=sent,
    )


def _communes(number: int) -> str:
    return f"{number} commune{'s' if number > 1 else ''}"


def _chosen(request: AnyRequest, trades: TradeRegistry) -> tuple[Semester, str]:
    """The semester and trade of the address; the present semester and the first trade without them."""
    asked = request.query_params.get("semester", "")
    semester = Semester.parse(asked) if asked else Semester.containing(clock.now())
    trade = request.query_params.get("trade", "")
    return semester, trade if trade in trades else next(iter(trades.codes), "")


def _shown(request: AnyRequest, semester: Semester, trade: str, trades: TradeRegistry) -> dict[str, Any]:
    current = Semester.containing(clock.now())
    offered = sorted({current, current.next, semester})
    return {
        "semester": semester,
        "semesters": [(one.code, one.label.capitalize()) for one in offered],
        "trade": trade,
        "trade_label": trades.label(trade) if trade else "",
        "trade_options": [(code, trades.label(code)) for code in trades.codes],
        "trade_tabs": [
            {
                "href": url_with(request, trade=code, q=None),
                "label": trades.label(code),
                "current": code == trade,
                "icon": trades.get(code).trade.icon,
            }
            for code in trades.codes
        ],
    }


def _uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise UnknownSector from None


ROUTES = [overview, one_sector, move_communes]
