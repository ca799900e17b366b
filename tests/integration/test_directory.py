"""The directory of cooperatives: what is refused, trades switched on, what is known without the database."""

import dataclasses
from typing import Any

import pytest
import sqlalchemy as sa

from maillage_app.diagnosis import examine
from maillage_app.onboarding import open_cooperative, open_trade
from maillage_app.runtime import Runtime
from maillage_kit import clock, outside
from maillage_kit.context import CooperativeContext
from maillage_kit.db import Database
from maillage_kit.errors import Conflict, Invalid
from maillage_kit.permissions import Role
from maillage_kit.semester import Semester
from maillage_kit.settings import SignInSettings
from maillage_platform.cooperatives import Directory, NewCooperative
from maillage_tenants import territory

CALVADOS = NewCooperative(
    slug="calvados",
    name="Dépannage Calvados",
    legal_name="Coopérative du Calvados",
    siren="552100554",
    department="14",
    address="1 rue Saint-Jean, 14000 Caen",
    email="contact@calvados.example",
    public_number="02 31 40 14 14",
    manager_name="Anne Poulain",
    manager_phone="06 12 34 56 03",
    fallback_phone="02 31 40 14 00",
    mediator_name="Médiation de la consommation",
    mediator_contact="https://mediateur.example",
    trades=("plumbing",),
)


async def test_a_cooperative_is_opened_with_its_communes_and_sectors(runtime: Runtime) -> None:
    opened = await open_cooperative(runtime, CALVADOS, actor="tests")
    assert (await runtime.directory.by_slug("calvados")) == opened
    assert await runtime.directory.by_public_number("+33231401414") == opened
    async with runtime.database.tenant(opened.tenant) as session:
        report = await territory.report(session, trade="plumbing", semester=Semester.containing(clock.now()))
        assert report.ok


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("public_number", "0899 40 27 27"),  # L.14: a surcharged number is refused (R22)
        ("public_number", "06 12 34 56 78"),
        ("mediator_name", " "),  # R21: no opening without a mediator
        ("siren", "123456789"),
        ("slug", "Pas Un Slug"),
        ("fallback_phone", "12"),
        ("trades", ("plumbing", "astrology")),
    ],
)
async def test_what_cannot_be_accepted_names_its_field(runtime: Runtime, field: str, value: object) -> None:
    with pytest.raises(Invalid) as refused:
        changed: Any = {field: value}
        await open_cooperative(runtime, dataclasses.replace(CALVADOS, **changed), actor="tests")
    assert field in refused.value.fields


@pytest.mark.parametrize("field", ["slug", "siren", "public_number"])
async def test_a_name_or_number_is_taken_once(runtime: Runtime, eure: CooperativeContext, field: str) -> None:
    taken = {"slug": eure.slug, "siren": eure.siren, "public_number": eure.public_number}
    with pytest.raises(Conflict):
        changed: Any = {field: taken[field]}
        await open_cooperative(runtime, dataclasses.replace(CALVADOS, **changed), actor="tests")


async def test_a_trade_opened_later_has_its_sectors(runtime: Runtime, seine_maritime: CooperativeContext) -> None:
    assert "glazing" not in seine_maritime.trades
    after = await open_trade(runtime, slug="seine-maritime", trade="glazing", actor="tests")
    assert "glazing" in after.trades
    async with runtime.database.tenant(after.tenant) as session:
        found = await territory.sector_of(session, insee="76540", trade="glazing", at=clock.now())
    assert found is not None


async def test_the_directory_still_answers_without_its_database(runtime: Runtime, eure: CooperativeContext) -> None:
    """Rule 1: a call must find its cooperative's fallback number even when the database is down."""
    moments = iter(range(0, 1000, 10))
    gone = Database("postgresql://nobody@127.0.0.1:9/none", pool_size=1)
    directory = Directory(runtime.database, monotonic=lambda: next(moments))
    assert await directory.by_public_number(eure.public_number) == eure
    directory._database = gone
    assert await directory.by_public_number(eure.public_number) == eure
    await gone.dispose()


async def test_the_doctor_finds_nothing_wrong_then_a_loop(runtime: Runtime) -> None:
    findings = [finding async for finding in examine(runtime)]
    assert [finding for finding in findings if not finding.ok] == []
    assert {"eure : dernier recours", "heure d’été", "métiers"} <= {finding.subject for finding in findings}
    async with runtime.database.platform() as session:
        await session.execute(
            sa.text("update platform.cooperative set fallback_phone = public_number where slug = 'eure'")
        )
    runtime.directory.forget()
    wrong = [finding.subject async for finding in examine(runtime) if not finding.ok]
    assert wrong == ["eure : dernier recours"]


async def test_a_further_number_is_one_cooperatives_only(
    runtime: Runtime, eure: CooperativeContext, seine_maritime: CooperativeContext
) -> None:
    """Claimed by one, it leads to it; nobody else claims it, gives it back, or opens with it as the public number."""
    number = "+33232402790"
    async with runtime.database.tenant(eure.tenant) as session:
        assert await outside.claim_number(session, number)
        assert await outside.claim_number(session, number)
        assert not await outside.claim_number(session, seine_maritime.public_number)
    async with runtime.database.tenant(seine_maritime.tenant) as session:
        assert not await outside.claim_number(session, number)
        await outside.release_number(session, number)
        await outside.keep_voice(session, recording=True, prompts={"hold_on": "a.b"})
    runtime.directory.forget()
    found = await runtime.directory.by_public_number(number)
    assert found is not None
    assert (found.slug, found.pool_numbers, found.records_calls, found.own_prompts) == ("eure", (number,), False, {})
    other = await runtime.directory.by_slug("seine-maritime")
    assert other is not None
    assert (other.pool_numbers, other.records_calls, other.own_prompts) == ((), True, {"hold_on": "a.b"})
    with pytest.raises(Conflict, match="eure"):
        await open_cooperative(runtime, dataclasses.replace(CALVADOS, public_number="02 32 40 27 90"), actor="tests")


@pytest.mark.parametrize("asked", [None, frozenset(), frozenset({Role.OPERATOR, Role.ANALYST, Role.SUPPORT})])
async def test_the_doctor_warns_when_no_passkey_is_asked_for_in_production(
    runtime: Runtime, asked: frozenset[Role] | None
) -> None:
    """It looks before it asks the database: a manager without a second factor is told on any installation."""
    told = {"environment": "production", "sign_in": SignInSettings(passkey_required_for=asked)}
    production = dataclasses.replace(runtime, settings=runtime.settings.model_copy(update=told))
    found = {finding.subject: finding async for finding in examine(production)}["clé d’accès exigée"]
    assert found.ok is (asked is None)
    assert ("Gérance" in found.detail) is (asked is not None)
    relaxed = {finding.subject: finding async for finding in examine(runtime)}["clé d’accès exigée"]
    assert relaxed.ok
