"""Before a change: who could take the duty, what speaks against each, and what it costs in fairness."""

from typing import Any

from maillage_kit.db import TenantSession
from maillage_kit.pages import PageRequest, slice_page
from maillage_tenants.rota import service
from maillage_tenants.rota.checks import Cost
from maillage_tenants.rota.models import Rota
from maillage_tenants.rota.queries import DutyRow
from maillage_tenants.rota.rules import Period


async def weighed(
    session: TenantSession, *, rota: Rota, duty: DutyRow, period: Period, page: PageRequest, chosen: str
) -> dict[str, Any]:
    """`shown`: a page of those who could take the period, the fairest first. `choice`: the one that was tapped, with
    what the change does to both people; None when nobody was."""
    everybody = await service.candidates(session, rota=rota, post_id=duty.post_id, period=period, besides={duty.id})
    others = [one for one in everybody if one.taker.technician_id != duty.technician_id]
    giver = next((one for one in everybody if one.taker.technician_id == duty.technician_id), None)
    taker = next((one for one in others if str(one.taker.technician_id) == chosen), None)
    return {
        "shown": slice_page([_line(one) for one in others if one.may], page),
        "choice": _choice(taker, giver) if taker else None,
        "chosen": taker.taker.technician_id if taker else None,
    }


def _line(one: service.Candidate) -> dict[str, Any]:
    return {
        "id": one.taker.technician_id,
        "name": one.taker.name,
        "member_name": one.member_name,
        "warnings": [objection.text for objection in one.objections],
        "cost": _words(one.cost),
        "over": one.cost.over > 0,
    }


def _choice(taker: service.Candidate, giver: service.Candidate | None) -> dict[str, Any]:
    """The tapped change, told: what forbids it, what speaks against it, both people's share."""
    moved = taker.cost.after - taker.cost.before
    shares = [(taker.taker.name, _words(taker.cost))]
    if giver is not None:
        left = Cost(giver.cost.before, giver.cost.before - moved, giver.cost.owed)
        shares.append((giver.taker.name, _words(left)))
    return {
        "name": taker.taker.name,
        "forbidden": [one.text for one in taker.objections if one.hard],
        "warnings": [one.text for one in taker.objections if not one.hard],
        "shares": shares,
    }


def _words(cost: Cost) -> str:
    """`5,5 → 6,5 semaines pour 6 dues`."""
    return f"{_figure(cost.before)} → {_figure(cost.after)} semaines pour {_figure(cost.owed)} dues"


def _figure(weeks: float) -> str:
    return f"{round(weeks, 1):g}".replace(".", ",")
