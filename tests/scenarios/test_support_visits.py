"""Break-glass: the federation's support in a cooperative: permitted, told, written, read-only, an hour at most."""

import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from maillage_app.permission_table import guarded_routes
from maillage_app.runtime import Runtime
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.permissions import VISITOR, Role
from maillage_platform.support.models import SupportVisit
from maillage_tenants import audit
from maillage_tenants.audit import queries
from maillage_tenants.audit.queries import Search
from maillage_tenants.messages.models import Message

SETTINGS = "/c/eure/settings/support"
ENTER = "/federation/support/eure"
WHY = {"reason": "Le planning de mars ne s’affiche plus", "minutes": "30"}


async def written(runtime: Runtime, eure: CooperativeContext) -> list[audit.AuditRow]:
    async with runtime.database.tenant(eure.tenant) as session:
        return list(await queries.all_entries(session, search=Search(actions=("support.",)), limit=1000))


@pytest.fixture
async def manager(eure: CooperativeContext, sign_in) -> Any:
    return await sign_in(Role.MANAGER, eure)


@pytest.fixture
async def inside(manager, sign_in) -> Any:
    """Somebody of the support who has just come in."""
    assert (await manager.post(SETTINGS, {"allowed": "1"})).status_code == 303
    helper = await sign_in(Role.SUPPORT)
    assert (await helper.post(ENTER, WHY)).headers["location"] == "/c/eure/desk"
    return helper


async def test_nobody_comes_in_without_the_cooperatives_consent(
    runtime: Runtime, eure: CooperativeContext, manager, sign_in
) -> None:
    helper = await sign_in(Role.SUPPORT)
    assert (await helper.get("/c/eure/desk")).status_code == 404
    assert "ne permet pas l’assistance" in (await helper.get(ENTER)).text
    refused = await helper.post(ENTER, WHY)
    assert (refused.status_code, "ne permet pas l’assistance" in refused.text) == (403, True)
    assert (await helper.get("/c/eure/desk")).status_code == 404
    assert "Pas permis" in (await manager.get(SETTINGS)).text
    auditor, dispatcher = await sign_in(Role.AUDITOR, eure), await sign_in(Role.DISPATCHER, eure)
    assert (await auditor.get(SETTINGS)).status_code == 200
    for person in (auditor, dispatcher):  # the manager alone decides
        assert (await person.post(SETTINGS, {"allowed": "1"})).status_code == 403
    assert await written(runtime, eure) == []
    for role in (Role.OPERATOR, Role.ANALYST):
        assert (await (await sign_in(role)).post(ENTER, WHY)).status_code == 403


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"reason": "", "minutes": "30"}, "Écrivez le motif"),
        ({"reason": "aide", "minutes": "30"}, "Écrivez le motif"),
        ({"reason": "x" * 301, "minutes": "30"}, "Écrivez le motif"),
        ({"reason": WHY["reason"], "minutes": "61"}, "une heure au plus"),
        ({"reason": WHY["reason"], "minutes": "0"}, "une heure au plus"),
        ({"reason": WHY["reason"], "minutes": "²"}, "une heure au plus"),
        ({"reason": WHY["reason"], "minutes": ""}, "une heure au plus"),
    ],
)
async def test_a_reason_and_a_limit_are_needed(manager, sign_in, sent: dict[str, str], words: str) -> None:
    await manager.post(SETTINGS, {"allowed": "1"})
    helper = await sign_in(Role.SUPPORT)
    answer = await helper.post(ENTER, sent)
    assert (answer.status_code, words in answer.text) == (422, True)
    assert (await helper.get("/c/eure/desk")).status_code == 404


async def test_the_database_itself_refuses_more_than_an_hour(runtime: Runtime, inside) -> None:
    async with runtime.database.platform() as session:
        visit = (await session.scalars(sa.select(SupportVisit))).one()
    with pytest.raises(sa.exc.IntegrityError, match="an_hour_at_most"):
        async with runtime.database.platform() as session:
            longer = visit.opened_at + timedelta(minutes=61)
            await session.execute(sa.update(SupportVisit).values(expires_at=longer))


async def test_every_page_read_is_written_and_carries_the_banner(
    runtime: Runtime, eure: CooperativeContext, seine_maritime, inside
) -> None:
    pages = ("/c/eure/desk", "/c/eure/customers?q=lef%C3%A8vre", "/c/eure/rota/on-call", "/c/eure/settings/people")
    for address in pages:
        answer = await inside.get(address)
        assert answer.status_code == (403 if address.endswith("people") else 200), address
        assert "Assistance chez Dépannage Eure jusqu’à 09:30" in answer.text
        assert "/federation/support/eure/leave" in answer.text
    entries = await written(runtime, eure)
    assert [entry.action for entry in entries] == ["support.allowed", "support.entered", *["support.read"] * 4]
    assert entries[1].detail == {"reason": WHY["reason"], "minutes": 30}
    assert [entry.detail["page"] for entry in entries[2:]] == [
        "/c/eure/desk", "/c/eure/customers?q=lefèvre", "/c/eure/rota/on-call", "/c/eure/settings/people",
    ]  # fmt: skip
    assert (await inside.get("/c/seine-maritime/desk")).status_code == 404  # this cooperative and no other
    assert "Assistance chez" not in (await inside.get("/federation")).text


async def test_a_visitor_reads_and_changes_nothing(eure: CooperativeContext, inside) -> None:
    """Every route of the cooperative: pages that a visitor's permissions name open, everything else is refused."""
    unknown = "01890000-0000-7000-8000-000000000000"
    wrong = []
    for method, path, asked in guarded_routes():
        if not path.startswith("/c/"):
            continue
        address = re.sub(r"\{slug:str\}", "eure", re.sub(r"\{\w+:uuid\}", unknown, path))
        address = re.sub(r"\{\w+:str\}", "x", address)
        answer = await (inside.get(address) if method == "GET" else inside.post(address))
        open_to_visitors = method == "GET" and not VISITOR.isdisjoint(asked)
        if (answer.status_code == 403) is open_to_visitors:
            wrong.append(f"{method} {path}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)
    desk = (await inside.get("/c/eure/customers")).text
    assert "/c/eure/customers/new" not in desk


async def test_the_managers_are_told_at_entry(runtime: Runtime, eure: CooperativeContext, inside) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        told = list(await session.scalars(sa.select(Message).where(Message.purpose == "support_entered")))
    ways = sorted((message.channel, message.recipient) for message in told)
    assert [channel for channel, _ in ways] == ["email", "email", "sms"]
    assert ("email", eure.email) in ways
    assert ("sms", eure.manager_phone) in ways
    assert any(recipient.endswith("@tests.example") for _, recipient in ways)
    for message in told:
        assert WHY["reason"] in message.body
        assert f"http://localhost:8027{SETTINGS}" in message.body


async def test_a_visit_ends_by_itself(runtime: Runtime, eure, inside, moved_clock: MovableClock) -> None:
    moved_clock.advance(minutes=29, seconds=59)
    assert (await inside.get("/c/eure/desk")).status_code == 200
    moved_clock.advance(seconds=1)
    assert (await inside.get("/c/eure/desk")).status_code == 404
    read = [entry for entry in await written(runtime, eure) if entry.action == "support.read"]
    assert len(read) == 1


@pytest.mark.parametrize("how", ["end", "forbid", "leave"])
async def test_a_visit_is_ended_at_once(runtime: Runtime, eure, manager, inside, how: str) -> None:
    shown = (await manager.get(SETTINGS)).text
    visit = re.search(r'name="visit" value="([0-9a-f-]{36})"', shown)
    assert visit
    assert WHY["reason"] in shown
    if how == "end":
        assert (await manager.post(f"{SETTINGS}/end", {"visit": visit[1]})).status_code == 303
        assert (await manager.post(f"{SETTINGS}/end", {"visit": visit[1]})).status_code == 404
    elif how == "forbid":
        assert (await manager.post(SETTINGS, {})).status_code == 303
    else:
        assert (await inside.post(f"{ENTER}/leave")).headers["location"] == "/federation/eure"
    assert (await inside.get("/c/eure/desk")).status_code == 404
    assert (await written(runtime, eure))[-1].action == "support.ended"
    again = await inside.post(ENTER, WHY)
    assert again.status_code == (403 if how == "forbid" else 303)
    if how != "forbid":  # two visits now, listed a page at a time
        first = (await manager.get(f"{SETTINGS}?limit=1")).text
        following = re.search(r'href="([^"]*after=[^"]+)"', first)
        assert following
        assert (await manager.get(following[1].replace("&amp;", "&"))).status_code == 200
    assert (await manager.get(f"{SETTINGS}?after=WyJ4Il0")).status_code == 422


async def test_another_cooperatives_visit_cannot_be_ended(seine_maritime, manager, inside, sign_in) -> None:
    visit = re.search(r'name="visit" value="([0-9a-f-]{36})"', (await manager.get(SETTINGS)).text)
    assert visit
    stranger = await sign_in(Role.MANAGER, seine_maritime)
    assert (await stranger.post("/c/seine-maritime/settings/support/end", {"visit": visit[1]})).status_code == 404
    assert (await inside.get("/c/eure/desk")).status_code == 200
