"""Signing in by one-time link, as a person does it."""

import re

import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.permissions import Role
from maillage_platform import identity
from maillage_platform.identity.models import Letter, SignInLink, WebSession


async def account_of(runtime: Runtime, cooperative: CooperativeContext, email: str, *roles: Role) -> None:
    async with runtime.database.platform() as session:
        account = await identity.add_account(session, email=email, display_name="Hélène Marchand")
        for role in roles:
            place = None if role.of_federation else cooperative.id
            await identity.add_membership(session, account=account, role=role, cooperative_id=place)


async def letters(runtime: Runtime) -> list[str]:
    async with runtime.database.platform() as session:
        return list((await session.scalars(sa.select(Letter.body).order_by(Letter.created_at))).all())


async def link_received(runtime: Runtime) -> str:
    found = re.search(r"http://localhost:8027(/signin/\S+)", (await letters(runtime))[-1])
    assert found
    return found[1]


async def test_the_link_signs_in_once_and_only_by_confirming(
    runtime: Runtime, eure: CooperativeContext, visitor
) -> None:
    await account_of(runtime, eure, "bureau@eure.example", Role.MANAGER)
    asked = await visitor.post("/signin", {"email": "Bureau@Eure.example"})
    assert asked.status_code == 200
    link = await link_received(runtime)

    for _ in range(3):  # a mail scanner opens links too: nothing is used
        opened = await visitor.get(link)
        assert "Gérance · Dépannage Eure" in opened.text
    entered = await visitor.post(link)
    assert (entered.status_code, entered.headers["location"]) == (303, "/c/eure/desk")
    again = await visitor.post(link)
    assert again.status_code == 410
    assert "plus valable" in again.text


async def test_an_unknown_address_gets_the_same_answer_and_no_letter(runtime: Runtime, visitor) -> None:
    asked = await visitor.post("/signin", {"email": "inconnu@exemple.fr"})
    assert asked.status_code == 200
    assert "Consultez votre messagerie" in asked.text
    assert await letters(runtime) == []


async def test_a_link_is_too_old_after_a_quarter_of_an_hour(
    runtime: Runtime, eure: CooperativeContext, visitor, moved_clock: MovableClock
) -> None:
    await account_of(runtime, eure, "bureau@eure.example", Role.MANAGER)
    await visitor.post("/signin", {"email": "bureau@eure.example"})
    link = await link_received(runtime)
    moved_clock.advance(minutes=15)
    assert (await visitor.get(link)).status_code == 410


async def test_somebody_with_two_hats_chooses_one(runtime: Runtime, eure: CooperativeContext, visitor) -> None:
    await account_of(runtime, eure, "double@eure.example", Role.MANAGER, Role.OPERATOR)
    await visitor.post("/signin", {"email": "double@eure.example"})
    link = await link_received(runtime)
    undecided = await visitor.post(link)
    assert undecided.status_code in (200, 201)
    choices = re.findall(r'name="membership" value="([0-9a-f-]+)"', undecided.text)
    assert len(choices) == 2
    entered = [(await visitor.post(link, {"membership": choice})) for choice in choices[:1]]
    assert entered[0].status_code == 303


async def test_asking_too_often_slows_letters_down_and_never_locks_out(
    runtime: Runtime, eure: CooperativeContext, visitor, moved_clock: MovableClock
) -> None:
    """Somebody else asks in an artisan's name all night: a link still reaches him within five minutes."""
    await account_of(runtime, eure, "bureau@eure.example", Role.MANAGER)
    answers = [(await visitor.post("/signin", {"email": "bureau@eure.example"})) for _ in range(40)]
    assert {answer.status_code for answer in answers} == {200}
    assert "minute" in answers[-1].text.partition("expire dans 15 minutes.")[2]
    assert len(await letters(runtime)) == 4  # three at once, one that waits; while it waits, no other is added

    unknown = [(await visitor.post("/signin", {"email": "inconnu@exemple.fr"})) for _ in range(40)]
    assert [a.text.replace("inconnu@exemple.fr", "") == b.text.replace("bureau@eure.example", "")
            for a, b in zip(unknown[-1:], answers[-1:], strict=True)] == [True]  # fmt: skip
    moved_clock.advance(minutes=5)
    async with runtime.database.platform() as session:
        due = await session.scalar(
            sa.select(sa.func.count()).where(Letter.sent_at.is_(None), Letter.send_after <= moved_clock.now())
        )
    assert due == 1
    assert (await visitor.post(await link_received(runtime))).status_code == 303


async def test_signing_out_ends_the_session_on_the_server(runtime: Runtime, sign_in, eure: CooperativeContext) -> None:
    office = await sign_in(Role.MANAGER, eure)
    assert (await office.get("/federation")).status_code == 403
    stolen = office.client.cookies["maillage_session"]
    assert (await office.post("/signout")).status_code == 303
    office.client.cookies.set("maillage_session", stolen)
    refused = await office.get("/federation")
    assert (refused.status_code, refused.headers["location"]) == (303, "/signin?next=/federation")


async def test_only_hashes_of_secrets_are_stored(runtime: Runtime, eure: CooperativeContext, visitor) -> None:
    await account_of(runtime, eure, "bureau@eure.example", Role.MANAGER)
    await visitor.post("/signin", {"email": "bureau@eure.example"})
    link = await link_received(runtime)
    await visitor.post(link)
    async with runtime.database.platform() as session:
        stored = [*await session.scalars(sa.select(SignInLink.token_hash))]
        stored += [*await session.scalars(sa.select(WebSession.token_hash))]
    assert len(stored) == 2
    assert not {link.removeprefix("/signin/"), visitor.client.cookies["maillage_session"]} & set(stored)


async def test_a_form_without_its_token_is_refused(visitor) -> None:
    answer = await visitor.client.post("/signin", data={"email": "a@b.fr"}, headers={"accept": "text/html"})
    assert answer.status_code == 403
    assert "Erreur 403" in answer.text


async def test_pages_carry_their_protections(visitor) -> None:
    answer = await visitor.get("/signin")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert len(answer.headers["x-request-id"]) == 12
