"""One person, several hats: a technician of two cooperatives, an accountant of both, one at a time."""

from datetime import timedelta

import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.ids import new_id
from maillage_kit.permissions import Role
from maillage_platform import identity
from maillage_platform.identity.models import Membership, WebSession
from maillage_platform.identity.rules import limits_of


async def more_hats(runtime: Runtime, person, *hats: tuple[Role, CooperativeContext | None]) -> list[Membership]:
    """More hats for the person who signed in last."""
    async with runtime.database.platform() as session:
        mine = (await session.scalars(sa.select(WebSession).order_by(WebSession.id.desc()))).first()
        assert mine is not None
        made = []
        for role, place in hats:
            row = Membership(account_id=mine.account_id, role=role, cooperative_id=place.id if place else None)
            session.add(row)
            made.append(row)
        return made


async def test_a_switch_of_cooperative_is_clear_and_complete(runtime: Runtime, eure, seine_maritime, sign_in) -> None:
    person = await sign_in(Role.MANAGER, eure)
    assert "/account/hats" not in (await person.get("/c/eure/desk")).text  # one hat: nothing to switch
    (there,) = await more_hats(runtime, person, (Role.MANAGER, seine_maritime))
    assert 'href="/account/hats"' in (await person.get("/c/eure/desk")).text
    page = (await person.get("/account/hats")).text
    assert page.count("En ce moment") == 1
    assert "Travailler comme Gérance · Dépannage Seine-Maritime" in page
    assert (await person.get("/c/seine-maritime/desk")).status_code == 404

    before = person.client.cookies["maillage_session"]
    person.client.cookies.clear()
    person.client.cookies.set("maillage_session", before, domain="localhost.local")
    switched = await person.post("/account/hats", {"membership": str(there.id)})
    assert switched.headers["location"] == "/c/seine-maritime/desk"
    assert (await person.get("/c/seine-maritime/desk")).status_code == 200
    assert (await person.get("/c/eure/desk")).status_code == 404  # never two at once
    async with runtime.database.platform() as session:
        assert await identity.actor_of(session, token=before) is None
    person.client.cookies.clear()
    person.client.cookies.set("maillage_session", before)
    assert (await person.get("/c/eure/desk")).status_code == 303


async def test_only_ones_own_hats(runtime: Runtime, eure, seine_maritime, sign_in) -> None:
    await sign_in(Role.MANAGER, seine_maritime)
    (foreign,) = await more_hats(runtime, None, (Role.OPERATOR, None))
    person = await sign_in(Role.MEMBER, eure)
    for chosen in (str(foreign.id), str(new_id()), "x", ""):
        assert (await person.post("/account/hats", {"membership": chosen})).status_code == 404
    assert (await person.get("/account/hats")).status_code == 200


async def test_changing_hats_never_makes_a_sign_in_last_longer(
    runtime: Runtime, eure, sign_in, moved_clock: MovableClock
) -> None:
    """From the federation's twelve hours one does not reach an artisan's ninety days, nor the other way."""
    person = await sign_in(Role.OPERATOR)
    (member,) = await more_hats(runtime, person, (Role.MEMBER, eure))
    moved_clock.advance(hours=3)
    assert (await person.post("/account/hats", {"membership": str(member.id)})).status_code == 303
    async with runtime.database.platform() as session:
        row = (await session.scalars(sa.select(WebSession).order_by(WebSession.id.desc()))).first()
        assert row is not None
        assert row.expires_at - moved_clock.now() == limits_of(Role.OPERATOR).life - timedelta(hours=3)
