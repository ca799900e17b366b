"""The static forward list (R104) says at every instant what the rota says, and is kept, sent, audited and erased."""

import csv
import io
import random
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from pypdf import PdfReader

from maillage_app.cli import cli
from maillage_app.runtime import Runtime
from maillage_app.worker import run_handler
from maillage_kit import clock
from maillage_kit.clock import MovableClock, paris_instant
from maillage_kit.context import CooperativeContext
from maillage_kit.permissions import Role
from maillage_kit.semester import Semester
from maillage_tenants import audit, rota, territory, watch
from maillage_tenants.members.models import Member, Technician
from maillage_tenants.rota.models import Duty, OnCallPost, Rota
from maillage_tenants.watch import rules
from maillage_tenants.watch.service import choosing
from maillage_tenants.watch.tasks import look_for_forwards

SPRING, AUTUMN = date(2027, 3, 28), date(2027, 10, 31)
"""The nights that change the hour."""


async def a_rota(
    runtime: Runtime, cooperative: CooperativeContext, *, around: date, seed: int
) -> dict[str, list[UUID]]:
    """Duties on half the plumbing and locksmith posts from a week before `around` to a week after, handed over at odd
    hours, the small hours of the night itself included; gaps, an unpublished rota and a superseded duty too."""
    dice = random.Random(seed)
    semester = Semester.containing(paris_instant(around))
    sectors: dict[str, list[UUID]] = {}
    async with runtime.database.tenant(cooperative.tenant) as session:
        published = Rota(semester=semester.code, state="published")
        draft = Rota(semester=semester.code, state="draft")
        member = Member(
            name="Leroux Plomberie",
            legal_form="SARL",
            siret="73282932000071",
            email="leroux@eure.example",
            phone="+33612345700",
            address="1 rue des Carmes",
            postcode="27500",
            city="Pont-Audemer",
            joined_on=date(2020, 1, 1),
        )
        session.add_all((published, draft, member))
        await session.flush()
        people = [
            Technician(member_id=member.id, first_name=name, last_name="Test", phone=f"+3361234570{index}")
            for index, name in enumerate(("Ana", "Bilal", "Chloé", "David"))
        ]
        session.add_all(people)
        await session.flush()
        begins = paris_instant(around) - timedelta(days=7)
        for trade in ("plumbing", "locksmith"):
            found = await territory.sectors(session, trade=trade, semester=semester)
            sectors[trade] = [sector.id for sector in found]
            for sector in found[:4]:
                for rank in (1, 2):
                    post = OnCallPost(sector_id=sector.id, trade=trade, rank=rank)
                    session.add(post)
                    await session.flush()
                    # minutes from the first day, some inside the doubled or missing hour
                    night = int((paris_instant(around) - begins).total_seconds() // 60)
                    cuts = sorted(
                        {dice.randrange(0, 14 * 1440) for _ in range(6)} | {night + dice.choice((90, 120, 150))}
                    )
                    for start, end in pairwise(cuts):
                        if dice.random() < 0.75:
                            session.add(duty(published, post, dice.choice(people), begins, start, end, live=True))
                    session.add(duty(draft, post, people[0], begins, 0, 14 * 1440, live=False))
                    session.add(duty(published, post, people[1], begins, 0, 14 * 1440, live=True, superseded_at=begins))
    return sectors


def duty(of: Rota, post: OnCallPost, who: Technician, begins: datetime, start: int, end: int, **more: object) -> Duty:
    return Duty(
        rota_id=of.id,
        post_id=post.id,
        member_id=who.member_id,
        technician_id=who.id,
        starts_at=begins + timedelta(minutes=start),
        ends_at=begins + timedelta(minutes=end),
        recorded_by="tests",
        **more,
    )


@pytest.mark.parametrize(("around", "seed"), [(SPRING, 1), (AUTUMN, 2), (date(2027, 5, 12), 3)])
async def test_at_every_instant_the_list_is_the_rota(
    runtime: Runtime, eure: CooperativeContext, around: date, seed: int
) -> None:
    """Sampled over the week, and every half hour of the night that changes the hour."""
    sectors = await a_rota(runtime, eure, around=around, seed=seed)
    start = paris_instant(around) - timedelta(days=2, hours=3)
    night = [paris_instant(around) + timedelta(minutes=30 * half) for half in range(12)]
    dice = random.Random(seed)
    sampled = [start + timedelta(seconds=dice.randrange(7 * 86400)) for _ in range(25)]
    compared = answered = 0
    async with runtime.database.tenant(eure.tenant) as session:
        trades = runtime.trades.enabled(eure.trades)
        current = await watch.current_forwards(session, cooperative=eure, trades=trades, at=start)
        assert (current.starts_at, current.ends_at) == (start, start + timedelta(days=7))
        for at in (*night, *sampled):
            for trade, ids in sectors.items():
                held = {
                    (person.sector_id, person.rank): (person.name, person.phone)
                    for person in await rota.on_call(session, sector_ids=ids, trade=trade, at=at)
                }
                for sector_id in ids:
                    (line,) = [
                        line
                        for line in current.lines
                        if (line.sector_id, line.trade) == (sector_id, trade) and line.starts_at <= at < line.ends_at
                    ]
                    assert (line.first, line.second) == (held.get((sector_id, 1)), held.get((sector_id, 2)))
                    compared += 1
                    answered += line.first is not None
        assert compared > 300
        assert 0 < answered < compared
        every_sector = {
            (trade, sector.id)
            for trade in trades.codes
            for sector in await territory.sectors(session, trade=trade, semester=Semester.containing(start))
        }
        assert {(line.trade, line.sector_id) for line in current.lines} >= every_sector


async def make_daily(runtime: Runtime, eure: CooperativeContext) -> None:
    await run_handler(runtime, eure, look_for_forwards, {})


async def lists(runtime: Runtime, eure: CooperativeContext) -> int:
    async with runtime.database.tenant(eure.tenant) as session:
        return int((await session.execute(sa.text("select count(*) from forward_list"))).scalar_one())


async def test_one_list_a_day_from_five_in_the_morning_kept_thirty_days(
    runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock
) -> None:
    moved_clock.move_to(datetime(2027, 3, 2, 3, 59, tzinfo=UTC))  # 04:59 in Paris
    await make_daily(runtime, eure)
    assert await lists(runtime, eure) == 0
    moved_clock.advance(minutes=1)
    await make_daily(runtime, eure)
    await make_daily(runtime, eure)
    assert await lists(runtime, eure) == 1
    for _ in range(35):
        moved_clock.advance(days=1, minutes=1)
        await make_daily(runtime, eure)
    assert await lists(runtime, eure) == 30
    # the clock changed on the way: still five o'clock in Paris, one list a day
    async with runtime.database.tenant(eure.tenant) as session:
        days = (await session.execute(sa.text("select day from forward_list order by day"))).scalars().all()
    assert [after - before for before, after in pairwise(days)] == [timedelta(days=1)] * 29


async def test_the_operator_receives_it_by_mail(
    runtime: Runtime, eure: CooperativeContext, crew, moved_clock: MovableClock
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        await choosing.choose(
            session, enabled=True, keys="", operator_email="exploitation@operateur.example", by="tests"
        )
    await make_daily(runtime, eure)
    async with runtime.database.tenant(eure.tenant) as session:
        ((to, subject, body),) = await session.execute(sa.text("select recipient, subject, body from message"))
        entries = await audit.entries_about(session, subject_type="forward_list", subject_id=await _only(session))
    assert (to, subject) == ("exploitation@operateur.example", "Dépannage Eure : liste de renvois du 01/03/2027")
    assert "Karim Benali 06 12 34 57 01, puis Sophie Leroux 06 12 34 57 02, repli 02 32 40 27 00" in body
    assert "du 2027-03-01 09:00 +01:00 au 2027-03-08 09:00 +01:00" in body
    table = body[body.index(rules.COLUMNS[0] + ";") :]
    header, *rows = csv.reader(io.StringIO(table, newline=""), delimiter=";")
    assert tuple(header) == rules.COLUMNS
    assert any(row[4:8] == ["Karim Benali", "+33612345701", "Sophie Leroux", "+33612345702"] for row in rows)
    assert [(entry.actor, entry.action) for entry in entries] == [("Maillage", "watch.send_forwards")]


async def _only(session) -> UUID:
    found: UUID = (await session.execute(sa.text("select id from forward_list"))).scalar_one()
    return found


async def test_the_office_downloads_it_and_each_download_is_noted(
    runtime: Runtime, eure: CooperativeContext, seine_maritime: CooperativeContext, crew, sign_in
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    assert (await office.post("/c/eure/watch/forwards")).status_code == 303
    async with runtime.database.tenant(eure.tenant) as session:
        made = await _only(session)
    page = await office.get("/c/eure/watch/forwards")
    assert f"/c/eure/watch/forwards/{made}/csv" in page.text
    assert "06 12" not in page.text
    assert "+33612" not in page.text
    sheet = await office.get(f"/c/eure/watch/forwards/{made}/csv")
    assert sheet.headers["content-disposition"] == 'attachment; filename="renvois-2027-03-01.csv"'
    assert sheet.headers["cache-control"] == "no-store"
    header, *rows = csv.reader(io.StringIO(sheet.content.decode("utf-8-sig"), newline=""), delimiter=";")
    assert tuple(header) == rules.COLUMNS
    assert len(rows) == len({tuple(row) for row in rows}) > 10
    paper = await office.get(f"/c/eure/watch/forwards/{made}/pdf")
    said = " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(paper.content)).pages).split())
    assert "Karim Benali" in said
    assert "06 12 34 57 01" in said
    assert "2027-03-01 09:00 +01:00" in said
    async with runtime.database.tenant(eure.tenant) as session:
        entries = await audit.entries_about(session, subject_type="forward_list", subject_id=made)
    assert [(entry.action, entry.detail["form"]) for entry in entries] == [
        ("watch.read_forwards", "pdf"),
        ("watch.read_forwards", "csv"),
    ]
    neighbour = await sign_in(Role.MANAGER, seine_maritime)
    assert (await neighbour.get(f"/c/seine-maritime/watch/forwards/{made}/csv")).status_code == 404


def test_the_command_line_prints_the_current_list(
    runtime: Runtime, eure: CooperativeContext, crew, monkeypatch
) -> None:
    """Run in a process's own loop, as an operator would at night."""
    from maillage_app.cli import common

    monkeypatch.setattr(common, "start_runtime", lambda: Runtime.start(runtime.settings, trades=runtime.trades))
    printed = CliRunner().invoke(cli, ["watch", "forwards", "--cooperative", "eure", "--csv"])
    assert printed.exit_code == 0, printed.output
    assert "Karim Benali;+33612345701;Sophie Leroux;+33612345702;+33232402700" in printed.output
    in_words = CliRunner().invoke(cli, ["watch", "forwards", "--cooperative", "eure"])
    assert "Karim Benali 06 12 34 57 01, puis Sophie Leroux 06 12 34 57 02, repli 02 32 40 27 00" in in_words.output
    unknown = CliRunner().invoke(cli, ["watch", "forwards", "--cooperative", "lune"])
    assert unknown.exit_code == 1
    status = CliRunner().invoke(cli, ["watch", "status"])
    assert "seine-maritime" in status.output
    assert clock.now() == datetime(2027, 3, 1, 8, tzinfo=UTC)
