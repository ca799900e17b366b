"""Masked calls: the artisan and the customer reach each other, neither sees the other's number, nobody is lost."""

import pytest
import sqlalchemy as sa

from maillage_kit.permissions import Role
from maillage_kit.phone import show_phone
from maillage_tenants.calls import words
from maillage_tenants.masking.lending import lend, look_over

LEFEVRE, STRANGER, ANA, BILAL = "+33633333301", "+33699999901", "+33611111101", "+33611111102"
PONT_AUDEMER = "27467"
CLOSED = "update intervention set state = 'closed', closed_at = :at"
POOL, SECOND = "+33232402790", "+33232402791"


@pytest.fixture
async def office(town, sign_in):
    return await sign_in(Role.MANAGER, town.cooperative)


async def add(town, office, number: str = POOL) -> None:
    answer = await office.post("/c/eure/telephony/numbers", {"number": show_phone(number)})
    assert answer.status_code == 303
    town.runtime.directory.forget()


@pytest.fixture
async def accepted(town, office):
    """Ana has Madame Lefèvre's case; they are joined by the pool's number. Returns Ana's phone."""
    await add(town, office)
    ana = await town.on_call("Ana", ANA)
    await town.customer("Madame Lefèvre", LEFEVRE, ("12 rue de la République", PONT_AUDEMER))
    town.company.phone("Madame Lefèvre", LEFEVRE)
    ana.rings().presses("1")
    call = await town.company.calls(LEFEVRE, town.number)
    await call.presses("1")
    await call.hangs_up()
    return ana


async def sweep(town) -> None:
    async with town.runtime.database.tenant(town.cooperative.tenant) as session:
        await look_over(session)
    town.runtime.directory.forget()


async def test_the_artisan_reaches_the_customer_under_the_pools_number(town, accepted) -> None:
    told = await town.value("select body from message where purpose = 'call_taken'")
    assert f"{show_phone(POOL)} (numéro masqué)" in told
    assert show_phone(LEFEVRE) not in told and show_phone(LEFEVRE) not in " ".join(accepted.heard)
    customer = town.company.phone("Madame Lefèvre", LEFEVRE)
    customer.rings().presses("")
    call = await town.company.calls(ANA, POOL)
    assert call.talks_to is customer
    assert (customer.displayed, customer.heard) == ([POOL], [])  # R103, and no key is asked
    await call.hangs_up()
    assert await town.value("select count(*) from call") == 1  # no call for help came of it
    masked = await town.row("select by_artisan, ending, ended_at from masked_call")
    assert (masked["by_artisan"], masked["ending"]) == (True, "completed")
    story = await town.row("select text from intervention_event where kind = 'masked_call'")
    assert story["text"] == "L’artisan a appelé le client par le numéro masqué : ils se sont parlé."


async def test_the_customer_reaches_the_artisan(town, accepted) -> None:
    accepted.rings().presses("")
    call = await town.company.calls(LEFEVRE, POOL)
    assert call.talks_to is accepted
    assert accepted.displayed[-1] == POOL
    await call.hangs_up()


async def test_an_artisan_without_an_answer_is_told_so(town, accepted) -> None:
    town.company.phone("Madame Lefèvre", LEFEVRE).rings().does_not_answer()
    call = await town.company.calls(ANA, POOL)
    assert call.said == [words.MASKED_HOLD, words.MASKED_NO_ANSWER]
    assert await town.value("select ending from masked_call") == "no_answer"
    assert await town.value("select count(*) from alarm where kind = 'call_rescued'") == 0


async def test_a_customer_without_an_answer_gets_the_emergency_service_on_the_same_line(town, accepted) -> None:
    accepted.rings().does_not_answer()
    call = await town.company.calls(LEFEVRE, POOL)
    assert call.said[:2] == [words.MASKED_HOLD, words.ARTISAN_NO_ANSWER]
    assert call.heard("Si vous sentez le gaz")
    accepted.rings().presses("1")
    await call.presses("1")
    assert call.talks_to is accepted
    await call.hangs_up()
    second = await town.row("select outcome, caller, called from call order by started_at desc limit 1")
    assert second == {"outcome": "accepted", "caller": LEFEVRE, "called": POOL}


async def test_whoever_else_calls_gets_the_emergency_service(town, accepted) -> None:
    for caller in (STRANGER, "anonymous"):
        call = await town.company.calls(caller, POOL)
        assert call.heard("Si vous sentez le gaz") and call.heard("Pour la plomberie, tapez 1.")
        await call.hangs_up()
    assert await town.value("select count(*) from call where called = :n", n=POOL) == 2
    assert await town.rows("select id from masked_call") == []


async def test_a_pair_is_joined_until_a_day_after_the_end(town, accepted, moved_clock) -> None:
    async with town.runtime.database.tenant(town.cooperative.tenant) as session:
        await session.execute(
            sa.text("update intervention set state = 'closed', closed_at = :at"), {"at": moved_clock.now()}
        )
    await sweep(town)
    customer = town.company.phone("Madame Lefèvre", LEFEVRE)
    moved_clock.advance(hours=23, minutes=59)
    customer.rings().does_not_answer()
    before = await town.company.calls(ANA, POOL)
    assert before.heard(words.MASKED_NO_ANSWER)
    moved_clock.advance(minutes=1)
    after = await town.company.calls(ANA, POOL)
    assert after.heard("Si vous sentez le gaz")
    await after.hangs_up()


async def test_another_artisan_takes_the_case_over_and_the_number_with_it(town, accepted) -> None:
    bilal = await town.on_call("Bilal", BILAL, rank=2)
    async with town.runtime.database.tenant(town.cooperative.tenant) as session:
        await session.execute(sa.text("update intervention set technician_id = :t"), {"t": town.people["Bilal"]})
    await sweep(town)
    bilal.rings().presses("")
    call = await town.company.calls(LEFEVRE, POOL)
    assert call.talks_to is bilal
    await call.hangs_up()
    late = await town.company.calls(ANA, POOL)
    assert late.heard("Si vous sentez le gaz")
    await late.hangs_up()


async def test_one_caller_is_never_joined_to_two_people_by_one_number(town, office, accepted) -> None:
    """Ana takes a second case: the same number would not say which customer she wants."""
    case = await town.row("select id from intervention")
    second = await town.value(
        "insert into intervention (id, number, source, state, caller_name, address, request_words, triage, announced, "
        "report, requested_at, technician_id, caller_phone) select gen_random_uuid(), 'X-2', source, 'accepted', '', "
        "'', '', '{}', '{}', '{}', requested_at, technician_id, :p from intervention returning id",
        p=STRANGER,
    )

    async def ask(case_id, customer: str) -> str | None:
        async with town.runtime.database.tenant(town.cooperative.tenant) as session:
            return await lend(
                session,
                case_id=case_id,
                technician_id=town.people["Ana"],
                artisan_phone=ANA,
                customer_phone=customer,
            )

    assert await ask(case["id"], LEFEVRE) == POOL
    assert await ask(second, STRANGER) is None
    await add(town, office, SECOND)
    assert await ask(second, STRANGER) == SECOND
    assert await ask(second, STRANGER) == SECOND


async def test_the_artisans_page_offers_the_masked_number_only(town, sign_in, accepted) -> None:
    case = await town.row("select id, member_id from intervention")
    artisan = await sign_in(
        Role.MEMBER, town.cooperative, member_id=case["member_id"], technician_id=town.people["Ana"]
    )
    page = await artisan.get(f"/c/eure/field/cases/{case['id']}")
    assert f'href="tel:{POOL}"' in page.text and "Appeler le client (numéro masqué)" in page.text
    assert f'href="tel:{LEFEVRE}"' not in page.text
    async with town.runtime.database.tenant(town.cooperative.tenant) as session:
        await session.execute(sa.text("delete from masked_lease"))
    asked = await artisan.get(f"/c/eure/field/cases/{case['id']}")
    assert f"/field/cases/{case['id']}/masked" in asked.text and f"tel:{LEFEVRE}" not in asked.text
    lent = await artisan.post(f"/c/eure/field/cases/{case['id']}/masked")
    assert lent.status_code == 303
    assert f'href="tel:{POOL}"' in (await artisan.get(f"/c/eure/field/cases/{case['id']}")).text


MAY_NOT_BE_USED = {
    "06 12 34 56 78": "surtaxé",  # R22
    "0899 40 27 27": "surtaxé",
    "01 62 12 34 56": "démarchage",  # R102
    "12": "n’est pas un numéro",
    "02 32 40 27 27": "déjà à autre chose",
    "02 35 40 76 76": "déjà utilisé",  # another cooperative's public number
}


async def test_a_number_that_may_not_be_used_is_refused_with_the_reason(town, office) -> None:
    for typed, why in MAY_NOT_BE_USED.items():
        answer = await office.post("/c/eure/telephony/numbers", {"number": typed})
        assert answer.status_code == 422
        assert why in answer.text and typed in answer.text
    assert await town.rows("select id from masked_number") == []


async def test_a_retired_number_serves_its_pairs_then_is_given_back(
    town, office, accepted, seine_maritime, sign_in, moved_clock
) -> None:
    neighbour = await sign_in(Role.MANAGER, seine_maritime)
    page = await office.get("/c/eure/telephony/numbers")
    assert "prêté" in page.text and "1 intervention" in page.text
    number = await town.value("select id from masked_number")
    await office.post(f"/c/eure/telephony/numbers/{number}/retire")
    await sweep(town)
    taken = await neighbour.post("/c/seine-maritime/telephony/numbers", {"number": show_phone(POOL)})
    assert taken.status_code == 422 and "déjà utilisé" in taken.text
    town.company.phone("Madame Lefèvre", LEFEVRE).rings().does_not_answer()
    assert (await town.company.calls(ANA, POOL)).heard(words.MASKED_NO_ANSWER)
    async with town.runtime.database.tenant(town.cooperative.tenant) as session:
        await session.execute(
            sa.text("update intervention set state = 'closed', closed_at = :at"), {"at": moved_clock.now()}
        )
    await sweep(town)
    moved_clock.advance(hours=24)
    await sweep(town)
    assert (await town.runtime.directory.by_public_number(POOL)) is None
    given = await (await sign_in(Role.MANAGER, seine_maritime)).post(
        "/c/seine-maritime/telephony/numbers", {"number": show_phone(POOL)}
    )
    assert given.status_code == 303
