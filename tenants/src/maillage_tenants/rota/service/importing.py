"""A rota that the office keeps in a spreadsheet, row by row into a draft."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.phone import caller_number
from maillage_kit.semester import Semester
from maillage_tenants import audit, members, territory
from maillage_tenants.members import Standing, TechnicianRow
from maillage_tenants.rota import queries
from maillage_tenants.rota.errors import NotADraft
from maillage_tenants.rota.files import RawRow, RowError, read_instant, read_rows
from maillage_tenants.rota.models import Duty, RotaState
from maillage_tenants.rota.rules import Assignment, Period, Post, days_of, whole
from maillage_tenants.rota.service.common import new_duty
from maillage_tenants.rota.service.drafting import ensure_posts
from maillage_tenants.territory import SectorSummary, search_key

_Wrong = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. `imported` is 0 when a row is wrong, unless good rows were asked for all the same."""

    rows: int
    imported: int
    errors: tuple[RowError, ...]


async def import_rows(
    session: TenantSession,
    *,
    rota_id: UUID,
    content: bytes,
    filename: str,
    trades: TradeRegistry,
    by: str,
    keep_good: bool = False,
    replace: bool = False,
) -> ImportReport:
    """Read a CSV or Excel file into a draft. Every wrong row is told, with its line, its column and why, in French.

    Nothing is imported when a row is wrong, unless `keep_good`. `replace`: the draft is emptied first. A row is refused
    for an unknown sector, trade, rank or technician, a date that does not exist or is outside the semester, a period
    the wrong way round, a post already held, a person in two places, a document not valid (R61).
    Raises UnknownRota, NotADraft, UnreadableFile.
    """
    rota = await queries.get_rota(session, rota_id=rota_id, lock=True)
    if rota.state != RotaState.DRAFT:
        raise NotADraft
    rows = read_rows(content, filename=filename)
    semester = Semester.parse(rota.semester)
    reader = await _Reader.open(session, semester=semester, trades=trades)
    if not replace:
        for duty in await queries.duties(session, rota_id=rota_id):
            reader.hold(duty.post_id, duty.technician_id, duty.period, line=None)
    good: list[Assignment] = []
    errors: list[RowError] = []
    for row in rows:
        read = reader.read(row)
        if isinstance(read, Assignment):
            good.append(read)
        else:
            errors += read
    if errors and not keep_good:
        return ImportReport(len(rows), 0, tuple(errors))
    if replace:
        await session.execute(sa.delete(Duty).where(Duty.rota_id == rota_id))
    now = clock.now()
    session.add_all(
        new_duty(
            rota=rota,
            post_id=given.post.id,
            member_id=given.member_id,
            technician_id=given.technician_id,
            period=given.period,
            live=False,
            at=now,
            by=by,
        )
        for given in good
    )
    await session.flush()
    await audit.record(
        session,
        actor=by,
        action="rota.imported",
        subject_type="rota",
        subject_id=rota_id,
        detail={"rows": len(rows), "imported": len(good), "errors": len(errors)},
    )
    return ImportReport(len(rows), len(good), tuple(errors))


class _Reader:
    """Turns rows into duties, remembering those already read so that rows are compared with one another."""

    def __init__(
        self,
        *,
        semester: Semester,
        trades: TradeRegistry,
        posts: tuple[Post, ...],
        sectors: dict[str, tuple[SectorSummary, ...]],
        people: tuple[TechnicianRow, ...],
        standings: dict[UUID, Standing],
    ) -> None:
        self._over = whole(semester)
        self._semester = semester
        self._trades = {search_key(code): code for code in trades.codes} | {
            search_key(trades.label(code)): code for code in trades.codes
        }
        self._posts = {(post.sector_id, post.trade, post.rank): post for post in posts}
        self._sectors = {
            trade: {search_key(text): sector.id for sector in held for text in (sector.name, sector.code)}
            for trade, held in sectors.items()
        }
        self._by_phone: dict[str, list[TechnicianRow]] = defaultdict(list)
        self._by_name: dict[str, list[TechnicianRow]] = defaultdict(list)
        for person in people:
            self._by_phone[person.phone].append(person)
            self._by_name[" ".join(sorted(search_key(person.name).split()))].append(person)
        self._standings = standings
        self._of_post: dict[int, list[tuple[Period, int | None]]] = defaultdict(list)
        self._of_person: dict[UUID, list[tuple[Period, int | None]]] = defaultdict(list)

    @classmethod
    async def open(cls, session: TenantSession, *, semester: Semester, trades: TradeRegistry) -> "_Reader":
        posts = await ensure_posts(session, semester=semester, trades=trades)
        return cls(
            semester=semester,
            trades=trades,
            posts=posts,
            sectors={trade: await territory.sectors(session, trade=trade, semester=semester) for trade in trades.codes},
            people=await members.technicians(session),
            standings={standing.technician_id: standing for standing in await members.standings(session)},
        )

    def hold(self, post_id: int, technician_id: UUID, period: Period, *, line: int | None) -> None:
        self._of_post[post_id].append((period, line))
        self._of_person[technician_id].append((period, line))

    def read(self, row: RawRow) -> Assignment | list[RowError]:
        errors: list[RowError] = []

        def wrong(column: str, message: str) -> None:
            errors.append(RowError(row.line, column, message))

        trade = self._trades.get(search_key(row.text("metier")))
        if trade is None:
            wrong("metier", f"Métier inconnu : « {row.text('metier')} ».")
        sector_id = None
        if trade is not None:
            sector_id = self._sectors[trade].get(search_key(row.text("secteur")))
            if sector_id is None:
                wrong("secteur", f"Secteur inconnu : « {row.text('secteur')} ».")
        rank = {"1": 1, "2": 2, "rang 1": 1, "rang 2": 2, "n1": 1, "n2": 2}.get(search_key(row.text("rang")))
        if rank is None:
            wrong("rang", f"Le rang est 1 ou 2, pas « {row.text('rang')} ».")
        person = self._person(row.text("technicien"), wrong)
        period = self._period(row, wrong)
        if trade is None or sector_id is None or rank is None or person is None or period is None:
            return errors
        post = self._posts[sector_id, trade, rank]
        verdict = members.assignability_over(self._standings[person.id], trade, *days_of(period))
        if not verdict.ok:
            wrong("technicien", f"{person.name} ne peut pas être d’astreinte : {verdict.reason}.")
        for other, line in self._of_post[post.id]:
            if other.overlaps(period):
                wrong("", f"{post.name} est déjà pris {other} ({_where(line)}).")
                break
        for other, line in self._of_person[person.id]:
            if other.overlaps(period):
                wrong("technicien", f"{person.name} est déjà d’astreinte {other} ({_where(line)}).")
                break
        if errors:
            return errors
        self.hold(post.id, person.id, period, line=row.line)
        return Assignment(post, person.id, person.member_id, period)

    def _person(self, text: str, wrong: _Wrong) -> TechnicianRow | None:
        if not text:
            wrong("technicien", "Technicien manquant.")
            return None
        number = caller_number(text) if any(char.isdigit() for char in text) else None
        # A spreadsheet drops the first 0 of a number.
        number = number if number in self._by_phone else caller_number(f"0{text}") if text.isdigit() else number
        found = self._by_phone.get(number or "", []) or self._by_name.get(
            " ".join(sorted(search_key(text).split())), []
        )
        if len(found) == 1:
            return found[0]
        if found:
            wrong(
                "technicien",
                f"Plusieurs techniciens répondent à « {text} » : donnez un téléphone propre à la personne.",
            )
        else:
            wrong("technicien", f"Technicien inconnu : « {text} ».")
        return None

    def _period(self, row: RawRow, wrong: _Wrong) -> Period | None:
        instants = []
        for column in ("debut", "fin"):
            try:
                instants.append(read_instant(row.values.get(column)))
            except ValueError as problem:
                wrong(column, str(problem))
        if len(instants) < 2:
            return None
        period = Period(*instants)
        if period.ends_at <= period.starts_at:
            wrong("fin", "La fin est avant le début.")
            return None
        if not period.within(self._over):
            wrong("debut", f"Hors du {self._semester.label}.")
            return None
        return period


def _where(line: int | None) -> str:
    return "dans le brouillon" if line is None else f"ligne {line}"
