"""Sessions as their owner meets them: listed, ended one by one or together, never carried over a sign-in."""

import re

import pytest
import sqlalchemy as sa

from maillage_app.request_context import client_address
from maillage_app.runtime import Runtime
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.permissions import Role
from maillage_kit.settings import Settings, WebSettings
from maillage_platform import identity
from maillage_platform.identity.cookies import session_cookie
from maillage_platform.identity.models import Account, Letter, Membership, RateLimit, SignInLink, WebSession
from maillage_platform.identity.rules import LONGEST_WAIT, device_name, limits_of, wait_before_letter

FIREFOX = "Mozilla/5.0 (Android 14; Mobile; rv:131.0) Gecko/131.0 Firefox/131.0"


async def another_session(runtime: Runtime, person, user_agent: str = "") -> str:
    """The same person on another device; returns its cookie."""
    async with runtime.database.platform() as session:
        mine = (await session.scalars(sa.select(WebSession).order_by(WebSession.id.desc()))).first()
        assert mine is not None
        membership = await session.get_one(Membership, mine.membership_id)
        return await identity.open_session(session, membership=membership, user_agent=user_agent, address="203.0.113.9")


def session_ids(text: str) -> list[str]:
    return re.findall(r'name="session" value="([0-9a-f-]{36})"', text)


async def test_my_sessions_are_listed_and_one_is_ended(runtime: Runtime, sign_in, eure: CooperativeContext) -> None:
    person = await sign_in(Role.MANAGER, eure)
    stranger = await sign_in(Role.MANAGER, eure)
    other = await another_session(runtime, stranger, FIREFOX)
    seen = await stranger.get("/account/sessions")
    assert seen.status_code == 200
    assert "Firefox sur Android" in seen.text
    assert "203.0.113.9" in seen.text
    assert "Gérance · Dépannage Eure" in seen.text
    assert seen.text.count("Cet appareil") == 1
    phone, here = session_ids(seen.text)

    assert len(session_ids((await person.get("/account/sessions")).text)) == 1  # only mine
    assert (await person.post("/account/sessions/revoke", {"session": phone})).status_code == 404
    assert (await person.post("/account/sessions/revoke", {"session": "x"})).status_code == 422
    assert (await stranger.post("/account/sessions/revoke", {"session": phone})).status_code == 303
    assert session_ids((await stranger.get("/account/sessions")).text) == [here]
    stranger.client.cookies.set("maillage_session", other)
    assert (await stranger.get("/c/eure/desk")).status_code == 303


async def test_ending_this_one_signs_out(sign_in, eure: CooperativeContext) -> None:
    person = await sign_in(Role.MEMBER, eure)
    (mine,) = session_ids((await person.get("/account/sessions")).text)
    answer = await person.post("/account/sessions/revoke", {"session": mine})
    assert answer.headers["location"] == "/signin"
    assert (await person.get("/account/sessions")).status_code == 303


@pytest.mark.parametrize("here", ["", "1"])
async def test_all_are_ended_together(runtime: Runtime, sign_in, eure: CooperativeContext, here: str) -> None:
    person = await sign_in(Role.MEMBER, eure)
    others = [await another_session(runtime, person) for _ in range(3)]
    neighbour = await sign_in(Role.MEMBER, eure)
    mine = person.client.cookies["maillage_session"]
    assert (await person.post("/account/sessions/revoke-all", {"here": here})).status_code == 303
    for token, lives in [(token, False) for token in others] + [(mine, not here)]:
        async with runtime.database.platform() as session:
            assert (await identity.actor_of(session, token=token) is not None) is lives
    assert (await neighbour.get("/account/sessions")).status_code == 200


async def test_the_list_is_paginated(runtime: Runtime, sign_in, eure: CooperativeContext) -> None:
    person = await sign_in(Role.MANAGER, eure)
    for _ in range(4):
        await another_session(runtime, person)
    seen, after = [], ""
    for _ in range(3):
        text = (await person.get(f"/account/sessions?limit=2{after}")).text
        seen += session_ids(text)
        found = re.search(r"(&amp;after=|\?after=)([^&\"]+)", text)
        after = f"&after={found[2]}" if found else ""
    assert len(seen) == len(set(seen)) == 5


async def test_a_sign_in_replaces_the_session_and_its_secret(
    runtime: Runtime, sign_in, eure: CooperativeContext
) -> None:
    person = await sign_in(Role.MANAGER, eure)
    before = person.client.cookies["maillage_session"]
    person.client.cookies.clear()
    person.client.cookies.set("maillage_session", before, domain="localhost.local")  # as the server sets it
    async with runtime.database.platform() as session:
        account = (await session.scalars(sa.select(Account).order_by(Account.id.desc()))).first()
        assert account is not None
        link = await identity.make_link(session, account=account)
    assert (await person.post(f"/signin/{link}")).status_code == 303
    after = person.client.cookies["maillage_session"]
    assert after != before
    async with runtime.database.platform() as session:
        assert await identity.actor_of(session, token=before) is None
        assert await identity.actor_of(session, token=after) is not None


async def test_a_secret_chosen_by_the_browser_is_never_adopted(visitor, eure: CooperativeContext) -> None:
    visitor.client.cookies.set("maillage_session", "chosen-by-an-attacker")
    assert (await visitor.get("/account/sessions")).status_code == 303


@pytest.mark.parametrize("role", list(Role))
async def test_a_session_ends_idle_or_old(
    runtime: Runtime, sign_in, eure: CooperativeContext, moved_clock: MovableClock, role: Role
) -> None:
    limits = limits_of(role)
    place = None if role.of_federation else eure
    idle = await sign_in(role, place)
    used = await sign_in(role, place)
    steps = 0
    while (await used.get("/account/sessions")).status_code == 200:
        moved_clock.advance(seconds=limits.idle.total_seconds() - 1)
        steps += 1
        if steps == 2:
            assert (await idle.get("/account/sessions")).status_code == 303
    assert steps > 2  # each page put the end off
    assert limits.idle * (steps - 1) <= limits.life < limits.idle * steps + limits.idle


async def test_the_menu_signs_out(sign_in, eure: CooperativeContext) -> None:
    """The form of the menu leads to a route that exists."""
    person = await sign_in(Role.MANAGER, eure)
    desk = (await person.get("/c/eure/desk")).text
    menu = desk[desk.index("user-menu__panel") :]
    assert 'href="/account/sessions"' in menu
    action = re.search(r'<form method="post" action="([^"]+)"', menu)
    assert action
    assert (await person.post(action[1])).headers["location"] == "/signin"


def test_cookies_are_bound_to_the_host_over_https() -> None:
    safe = Settings(environment="test", web=WebSettings(public_url="https://maillage.example"))
    cookie = session_cookie(safe, "secret", life=limits_of(Role.MANAGER).life)
    assert cookie.to_header(header="") == (
        "__Host-maillage_session=secret; HttpOnly; Max-Age=1209600; Path=/; SameSite=lax; Secure"
    )
    assert identity.cookie_name(safe, "maillage_csrf") == "__Host-maillage_csrf"
    assert identity.session_cookie_name(Settings(environment="test")) == "maillage_session"


def test_a_letter_waits_longer_and_longer_never_beyond_five_minutes() -> None:
    def wait(email: int, address: int) -> float:
        return wait_before_letter(asked_for_email=email, asked_from_address=address).total_seconds()

    assert [wait(asked, 1) for asked in range(1, 10)] == [0, 0, 0, 15, 30, 60, 120, 240, 300]
    assert [wait(1, asked) for asked in (20, 21, 30, 31, 40, 41)] == [0, 15, 15, 30, 30, 60]
    assert wait(10**9, 10**9) == LONGEST_WAIT.total_seconds()


def test_devices_are_named_for_people() -> None:
    assert device_name(FIREFOX) == "Firefox sur Android"
    assert device_name("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/130.0 Safari/537 Edg/130") == (
        "Edge sur Windows"
    )
    assert device_name("curl/8") == "Appareil inconnu"


def test_only_our_proxies_say_who_asks() -> None:
    def scope(peer: str, said: str):
        return {"client": (peer, 1), "headers": [(b"x-forwarded-for", said.encode())]}

    assert client_address(scope("198.51.100.7", "10.9.9.9"), ("127.0.0.1",)) == "198.51.100.7"
    assert client_address(scope("127.0.0.1", "1.2.3.4, 198.51.100.7"), ("127.0.0.1",)) == "198.51.100.7"
    assert client_address(scope("127.0.0.1", ""), ("127.0.0.1",)) == "127.0.0.1"


async def test_what_is_old_is_erased(
    runtime: Runtime, sign_in, visitor, eure: CooperativeContext, moved_clock: MovableClock
) -> None:
    """R68: no access record older than a year."""
    await sign_in(Role.MANAGER, eure)
    async with runtime.database.platform() as session:
        account = await identity.add_account(session, email="vieux@eure.example", display_name="Vieux")
        await identity.add_membership(session, account=account, role=Role.MANAGER, cooperative_id=eure.id)
    await visitor.post("/signin", {"email": "vieux@eure.example"})
    moved_clock.advance(days=40)
    await identity.forget_old(runtime.database)
    async with runtime.database.platform() as session:
        kept = [len((await session.execute(sa.select(t))).all()) for t in (WebSession, SignInLink, Letter, RateLimit)]
        assert kept == [1, 0, 0, 0]
    moved_clock.advance(days=330)
    await identity.forget_old(runtime.database)
    async with runtime.database.platform() as session:
        assert (await session.scalars(sa.select(WebSession))).all() == []
