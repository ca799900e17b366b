"""Roles of a cooperative: given, changed and taken back by a manager; each finds its own pages and nothing else."""

import asyncio
import re
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_kit import clock
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.permissions import COOPERATIVE_ROLES, FIELD_ROLES, ROLE_LABELS, Role
from maillage_platform import identity
from maillage_platform.identity import people
from maillage_platform.identity.models import Account, Letter, Membership
from maillage_tenants import interventions
from maillage_tenants.interventions import NewCase, Source
from maillage_tenants.members.models import Technician

PEOPLE = "/c/eure/settings/people"


async def hats_of(runtime: Runtime, email: str) -> dict[Role, Membership]:
    async with runtime.database.platform() as session:
        found = await session.scalars(
            sa.select(Membership).join(Account, Account.id == Membership.account_id).where(Account.email == email)
        )
        return {Role(hat.role): hat for hat in found}


async def known_as(runtime: Runtime, eure: CooperativeContext, artisan, email: str) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        await session.execute(sa.update(Technician).where(Technician.id == artisan.technician_id).values(email=email))


async def enter(runtime: Runtime, visitor, email: str) -> str:
    """Follow the letter sent last to that address. Returns where it leads."""
    async with runtime.database.platform() as session:
        body = await session.scalar(
            sa.select(Letter.body).where(Letter.recipient == email).order_by(Letter.id.desc()).limit(1)
        )
    link = re.search(r"http://localhost:8027(/signin/\S+)", body or "")
    assert link
    return str((await visitor.post(link[1])).headers["location"])


@pytest.mark.parametrize("role", COOPERATIVE_ROLES)
async def test_somebody_is_invited_with_a_role_and_starts_on_its_page(
    runtime: Runtime, eure: CooperativeContext, crew, sign_in, visitor, role: Role
) -> None:
    manager = await sign_in(Role.MANAGER, eure)
    await known_as(runtime, eure, crew.artisans[0], "Karim@Eure.example")
    asked = {"name": "Karim Benali", "email": "karim@eure.example", "role": role.value}
    assert (await manager.post(PEOPLE, asked)).status_code == 303
    hat = (await hats_of(runtime, "karim@eure.example"))[role]
    known = (crew.artisans[0].member_id, crew.artisans[0].technician_id) if role in FIELD_ROLES else (None, None)
    assert (hat.member_id, hat.technician_id) == known
    start = await enter(runtime, visitor, "karim@eure.example")
    page = await visitor.get(start)
    assert page.status_code == 200
    # the whole navigation opens, and says nothing of what would be refused
    offered = set(re.findall(r'<li><a href="(/c/eure/[^"]+)"', page.text))
    assert start in offered
    for address in offered:
        assert (await visitor.get(address)).status_code == 200, address


async def test_one_person_invited_by_two_at_once_is_one_person(
    runtime: Runtime, eure: CooperativeContext, sign_in
) -> None:
    """A form sent twice, two people of the office: neither is an error, and nobody exists twice."""
    manager = await sign_in(Role.MANAGER, eure)
    asked = {"name": "Ana", "email": "ana@eure.example", "role": "dispatcher"}
    answers = await asyncio.gather(*(manager.post(PEOPLE, asked) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {303}
    assert set(await hats_of(runtime, "ana@eure.example")) == {Role.DISPATCHER}


async def test_accounts_and_hats_may_be_added_by_two_transactions_at_once(
    runtime: Runtime, eure: CooperativeContext
) -> None:
    async def add(before: asyncio.Barrier, role: Role) -> tuple[UUID, UUID]:
        async with runtime.database.platform() as session:
            await session.execute(sa.text("select 1"))  # both transactions are open
            await before.wait()
            account = await identity.add_account(session, email="Ana@eure.example", display_name="Ana")
            place = None if role.of_federation else eure.id
            hat = await identity.add_membership(session, account=account, role=role, cooperative_id=place)
            return account.id, hat.id

    for role in (Role.DISPATCHER, Role.ANALYST):
        barrier = asyncio.Barrier(2)
        first, second = await asyncio.gather(add(barrier, role), add(barrier, role))
        assert first == second


async def test_a_role_of_the_field_is_for_somebody_whom_the_cooperative_entered(
    runtime: Runtime, eure: CooperativeContext, crew, sign_in
) -> None:
    manager = await sign_in(Role.MANAGER, eure)
    asked = {"name": "Inconnu", "email": "inconnu@eure.example", "role": "technician"}
    answer = await manager.post(PEOPLE, asked)
    assert (answer.status_code, "écrivez-la d’abord sur sa fiche" in answer.text) == (422, True)
    assert await hats_of(runtime, "inconnu@eure.example") == {}
    for artisan in crew.artisans:  # two people with one address: neither is meant
        await known_as(runtime, eure, artisan, "inconnu@eure.example")
    assert (await manager.post(PEOPLE, asked)).status_code == 422
    for wrong in ("support", "office", ""):
        assert (await manager.post(PEOPLE, {**asked, "role": wrong})).status_code == 422


async def test_a_role_is_changed_and_its_sessions_end(
    runtime: Runtime, eure: CooperativeContext, sign_in, visitor
) -> None:
    manager = await sign_in(Role.MANAGER, eure)
    await manager.post(PEOPLE, {"name": "Ana", "email": "ana@eure.example", "role": "dispatcher"})
    await enter(runtime, visitor, "ana@eure.example")
    assert (await visitor.get("/c/eure/desk")).status_code == 200
    hat = (await hats_of(runtime, "ana@eure.example"))[Role.DISPATCHER]
    change = {"membership": str(hat.id), "role": "accountant"}
    assert (await visitor.post(f"{PEOPLE}/role", change)).status_code == 403
    done = await manager.post(f"{PEOPLE}/role", change)
    assert done.status_code == 303
    assert set(await hats_of(runtime, "ana@eure.example")) == {Role.ACCOUNTANT}
    assert (await visitor.get("/c/eure/desk")).headers["location"].startswith("/signin")
    assert ROLE_LABELS[Role.ACCOUNTANT] in (await manager.get(PEOPLE)).text


async def test_the_last_manager_stays(runtime: Runtime, eure: CooperativeContext, sign_in) -> None:
    """Two managers: one may take the other's access; nobody takes their own, nor the last one's."""
    first = await sign_in(Role.MANAGER, eure)
    async with runtime.database.platform() as session:
        account = await identity.add_account(session, email="second@eure.example", display_name="Second")
        second = await identity.add_membership(session, account=account, role=Role.MANAGER, cooperative_id=eure.id)
        mine = await session.scalar(
            sa.select(Membership.id).where(
                Membership.cooperative_id == eure.id, Membership.role == "manager", Membership.id != second.id
            )
        )
        token = await identity.open_session(session, membership=second)
    own = await first.post(f"{PEOPLE}/remove", {"membership": str(mine)})
    assert own.status_code == 422
    assert (await first.post(f"{PEOPLE}/remove", {"membership": str(second.id)})).status_code == 303
    assert token
    async with runtime.database.platform() as session:  # the account of the one who is left is asked about by another
        left = await session.get_one(Membership, mine)
        with pytest.raises(Exception, match="dernier accès"):
            await people.take_access_back(session, cooperative_id=eure.id, membership_id=left.id, by_account=account.id)
        with pytest.raises(Exception, match="dernier accès"):
            await people.change_role(
                session, cooperative_id=eure.id, membership_id=left.id, role="auditor", by_account=account.id
            )


async def taken_by(session: TenantSession, technician_id: UUID, member_id: UUID) -> UUID:
    """A case that this technician accepted."""
    facts = NewCase(
        source=Source.DESK, requested_at=clock.now(), by="tests", insee="27467", trade="plumbing", address="1 rue Verte"
    )
    case = await interventions.open_case(session, facts=facts)
    await interventions.record_acceptance(
        session, case_id=case.id, technician_id=technician_id, member_id=member_id, duty_id=None, alerted_at=None,
        accepted_at=clock.now(), by="Standard",
    )  # fmt: skip
    return case.id


async def test_a_technician_sees_only_what_was_given_to_him(
    runtime: Runtime, eure: CooperativeContext, crew, sign_in
) -> None:
    """The member sees the cases of his business; somebody else of the business sees his own, and no account."""
    owner = crew.artisans[0]
    async with runtime.database.tenant(eure.tenant) as session:
        helper = Technician(
            member_id=owner.member_id, first_name="Léo", last_name="Petit", phone="+33612345799", employed=True
        )
        session.add(helper)
        await session.flush()
        his = await taken_by(session, owner.technician_id, owner.member_id)
        given = await taken_by(session, helper.id, owner.member_id)
    member = await sign_in(Role.MEMBER, eure, member_id=owner.member_id, technician_id=owner.technician_id)
    leo = await sign_in(Role.TECHNICIAN, eure, member_id=owner.member_id, technician_id=helper.id)
    for person, seen in ((member, {his, given}), (leo, {given})):
        listed = (await person.get("/c/eure/field")).text
        assert {case_id for case_id in (his, given) if str(case_id) in listed} == seen
        for case_id in (his, given):
            expected = 200 if case_id in seen else 404
            assert (await person.get(f"/c/eure/field/cases/{case_id}")).status_code == expected
            moved = await person.post(f"/c/eure/cases/{case_id}/release", {"reason": ""})
            assert (moved.status_code == 404) is (case_id not in seen)
    assert (await member.get("/c/eure/field/ledger")).status_code == 200
    assert (await leo.get("/c/eure/field/ledger")).status_code == 403
    assert "/field/ledger" not in (await leo.get("/c/eure/field")).text


async def test_buttons_that_one_may_not_use_are_not_shown(eure: CooperativeContext, crew, sign_in) -> None:
    member_page = f"/c/eure/members/{crew.artisans[0].member_id}"
    manager, auditor = await sign_in(Role.MANAGER, eure), await sign_in(Role.AUDITOR, eure)
    for address, acts in (
        (member_page, (f"{member_page}/edit", f"{member_page}/technicians/new")),
        ("/c/eure/members", ("/c/eure/members/new",)),
        ("/c/eure/customers", ("/c/eure/customers/new",)),
        ("/c/eure/desk", ("/c/eure/desk/new",)),
        ("/c/eure/plans", ("/c/eure/plans/new",)),
        (PEOPLE, (f'action="{PEOPLE}"', "Retirer l’accès")),
    ):
        shown = (await manager.get(address)).text
        hidden = await auditor.get(address)
        assert hidden.status_code == 200, address
        for act in acts:
            if act != "Retirer l’accès":
                assert act in shown, (address, act)
            assert act not in hidden.text, (address, act)


async def test_who_only_reads_finds_no_form_and_nothing_that_unfolds_on_nothing(
    runtime: Runtime, eure: CooperativeContext, crew, sign_in
) -> None:
    """The auditor on the pages with the most to press: only searches are left, and no box or line stands empty."""
    async with runtime.database.tenant(eure.tenant) as session:
        case_id = await taken_by(session, crew.artisans[0].technician_id, crew.artisans[0].member_id)
    manager, auditor = await sign_in(Role.MANAGER, eure), await sign_in(Role.AUDITOR, eure)
    pages = ("desk", "cases", f"cases/{case_id}", "rota", f"rota/duties/{crew.artisans[0].duty_id}", "rota/absences",
             "members", f"members/{crew.artisans[0].member_id}", "customers", "plans", "territory", "tariffs", "notes",
             "messages", "messages/policy", "watch", "watch/forwards", "telephony", "telephony/prompts",
             "telephony/numbers", "settings/people", "settings/support", "audit", "calls")  # fmt: skip
    fewer = 0
    for name in pages:
        shown, full = await auditor.get(f"/c/eure/{name}"), await manager.get(f"/c/eure/{name}")
        assert (shown.status_code, full.status_code) == (200, 200), name
        posts = re.findall(r'<form[^>]*method="post"[^>]*>', shown.text)
        assert [sent for sent in posts if "/signout" not in sent] == [], name
        empty = r"<details[^>]*><summary[^>]*>(?:(?!</summary>).)*</summary>\s*</details>"
        assert not re.search(empty, shown.text, re.DOTALL), name
        assert not re.search(r'<div class="card__body">\s*</div>', shown.text), name
        fewer += shown.text.count("<form") < full.text.count("<form")
    assert fewer >= 12


async def test_a_changed_role_lasts_no_longer_than_it_may(runtime: Runtime, eure: CooperativeContext) -> None:
    """The shorter sessions of those who see more hold for each role."""
    lives = {role: identity.limits_of(role).life for role in Role}
    assert {lives[role] for role in FIELD_ROLES} == {timedelta(days=90)}
    assert {lives[role] for role in COOPERATIVE_ROLES if role not in FIELD_ROLES} == {timedelta(days=14)}
    assert {lives[role] for role in Role if role.of_federation} == {timedelta(hours=12)}
