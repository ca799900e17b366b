"""Building a ladder: three queries at most."""

from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from maillage_kit.clock import paris
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.semester import Semester
from maillage_tenants import members, rota
from maillage_tenants.dispatch import queries, rules
from maillage_tenants.dispatch.rules import Candidate, NearSector, Person, Watch

log = structlog.get_logger(__name__)
RING_SECONDS = 20


async def build_ladder(
    session: TenantSession,
    *,
    cooperative: CooperativeContext,
    sector_id: UUID | None,
    trade: str | None,
    at: datetime,
    ring_seconds: int = RING_SECONDS,
    unrouted: str = "",
) -> tuple[Candidate, ...]:
    """Whom to ring for this sector and trade at `at`, with the reason of each step; see `rules.ladder`.

    Never fails for want of data: an unknown sector or trade, an empty rota or a fault while reading them still gives
    the manager and the fallback number (rule 1). Only a database error is raised: its transaction is lost, the caller
    of the switchboard is then rescued without it. `unrouted` says in French why the sector or trade is not known.
    """
    sector: NearSector | None = None
    neighbours: tuple[NearSector, ...] = ()
    watches: tuple[Watch, ...] = ()
    refusals: dict[UUID, str] = {}
    if sector_id is not None and trade is not None:
        try:
            sector, neighbours, watches, refusals = await _read(session, sector_id=sector_id, trade=trade, at=at)
            if sector is None:
                unrouted = unrouted or "Secteur inconnu : le responsable décide."
        except SQLAlchemyError:
            raise
        except Exception:
            log.exception("ladder_incomplete", sector_id=str(sector_id), trade=trade)
            sector, unrouted = None, "Les astreintes n’ont pas pu être lues : le responsable décide."
    elif not unrouted:
        unrouted = "Secteur ou métier inconnu : le responsable décide."
    return rules.ladder(
        sector=sector,
        neighbours=neighbours,
        watches=watches,
        refusals=refusals,
        manager=Person(cooperative.manager_name, cooperative.manager_phone),
        fallback=Person("Numéro de repli", cooperative.fallback_phone),
        ring_seconds=ring_seconds,
        unrouted=unrouted,
    )


async def _read(
    session: TenantSession, *, sector_id: UUID, trade: str, at: datetime
) -> tuple[NearSector | None, tuple[NearSector, ...], tuple[Watch, ...], dict[UUID, str]]:
    near = await queries.sector_and_neighbours(
        session, sector_id=sector_id, trade=trade, semester=Semester.containing(at).code
    )
    if not near:
        return None, (), (), {}
    on_call = await rota.on_call(session, sector_ids=[found.id for found in near], trade=trade, at=at)
    technicians = list(dict.fromkeys(found.technician_id for found in on_call))
    allowed = (
        await members.assignability(session, technician_ids=technicians, trade=trade, on=paris(at).date())
        if technicians
        else {}
    )
    watches = tuple(
        Watch(
            sector_id=found.sector_id,
            rank=found.rank,
            duty_id=found.duty_id,
            member_id=found.member_id,
            technician_id=found.technician_id,
            name=found.name,
            member_name=found.member_name,
            phone=found.phone,
            starts_at=found.starts_at,
            ends_at=found.ends_at,
        )
        for found in on_call
    )
    refusals = {technician: verdict.reason for technician, verdict in allowed.items() if not verdict.ok}
    return near[0], tuple(near[1:]), watches, refusals
