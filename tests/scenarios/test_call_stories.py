"""Stories of calls to the single number, as a member of the cooperative would tell them."""

import asyncio
from datetime import UTC, date, datetime

import pytest

from maillage_kit.testing.phone_company import MASKED, CallPhase

LEFEVRE, STRANGER = "+33633333301", "+33699999901"
ANA, BILAL, CHLOE, DENIS = "+33611111101", "+33611111102", "+33611111103", "+33611111104"
PONT_AUDEMER, EVREUX, BERNAY, VERNEUIL = "27467", "27229", "27056", "27679"
PLUMBING, LOCKSMITH = "1", "2"


@pytest.fixture
async def lefevre(town):
    """Madame Lefèvre, subscriber at Pont-Audemer, rings from her own number."""
    await town.customer("Madame Lefèvre", LEFEVRE, ("12 rue de la République", PONT_AUDEMER))
    return LEFEVRE


@pytest.fixture
def manager(town):
    return town.company.phone("Responsable", town.cooperative.manager_phone)


@pytest.fixture
def fallback(town):
    return town.company.phone("Repli", town.cooperative.fallback_phone)


async def test_a_subscriber_is_recognised_and_talks_to_the_artisan_on_call(town, lefevre):
    ana = await town.on_call("Ana", ANA)
    ana.rings().presses("1")

    call = await town.company.calls(lefevre, town.number)
    assert call.said[0].startswith("Si vous sentez le gaz, ne touchez à rien d’électrique, sortez et appelez le 0 800")
    assert call.heard("Pour la plomberie, tapez 1.")
    await call.presses(PLUMBING)

    assert call.talks_to is ana
    assert call.heard("pour Pont-Audemer")
    assert "Madame Lefèvre" in ana.heard[0] and "12 rue de la République, Pont-Audemer" in ana.heard[0]
    assert "Plomberie" in ana.heard[0]
    assert ana.displayed == [town.number]  # R103: the cooperative's own number
    await call.hangs_up()

    stored = await town.row("select * from call")
    assert (stored["state"], stored["outcome"]) == ("ended", "accepted")
    case = await town.row("select * from intervention")
    assert case["state"] == "accepted"
    assert case["call_id"] == stored["id"]
    assert stored["intervention_id"] == case["id"]
    assert case["technician_id"] == town.people["Ana"]
    assert case["caller_phone"] == lefevre
    clocks = {row["code"]: row["at"] for row in await town.rows("select code, at from intervention_clock")}
    assert sorted(clocks) == ["T0", "T1", "T3", "T4"]
    assert clocks["T0"] == stored["started_at"]
    assert clocks["T4"] == stored["connected_at"]
    assert await town.legs() == [("Ana", "accepted")]
    told = await town.row("select recipient, body from message")
    assert told["recipient"] == ANA
    assert "06 33 33 33 01" in told["body"]  # R103: the customer's number, by text
    assert await town.ended() == {"outcome": "accepted", "accepted_kind": "rank1", "day": "2027-03-01"}


async def test_the_caller_stays_when_the_artisan_hangs_up_first(town, lefevre):
    ana = await town.on_call("Ana", ANA)
    ana.rings().presses("1")
    call = await town.company.calls(lefevre, town.number)
    await call.presses(PLUMBING)
    await call.is_left()
    assert call.state is CallPhase.OVER
    assert call.said[-1] == "Merci de votre appel. Au revoir."
    assert await town.value("select outcome from call") == "accepted"


async def test_a_stranger_types_the_postcode(town):
    ana = await town.on_call("Ana", ANA)
    ana.rings().presses("1")
    call = await town.company.calls(STRANGER, town.number)
    await call.presses(PLUMBING)
    assert call.said[-1] == "Tapez les cinq chiffres du code postal du lieu à dépanner."
    await call.presses("27500")
    assert call.talks_to is ana
    assert "Appelant du 06 99 99 99 01" in ana.heard[0]
    assert "code postal 27500" in ana.heard[0]
    await call.hangs_up()
    stored = await town.row("select postcode_typed, insee, sector_id, customer_id from call")
    assert stored["postcode_typed"] == "27500"
    assert stored["insee"] is None  # 27500 serves 17 communes: the commune is not guessed (R97)
    assert stored["sector_id"] == await town.sector(PONT_AUDEMER)
    assert stored["customer_id"] is None


async def test_a_postcode_of_one_commune_tells_the_commune(town):
    ana = await town.on_call("Ana", ANA, insee=EVREUX)
    ana.rings().presses("1")
    call = await town.company.calls(STRANGER, town.number)
    await call.presses(PLUMBING)
    await call.presses("27000")
    assert "Évreux" in ana.heard[0]
    await call.hangs_up()
    assert await town.value("select insee from intervention") == EVREUX


async def test_a_postcode_shared_by_sectors_asks_which_commune(town):
    tillieres = "27643"
    ana = await town.on_call("Ana", ANA, insee=tillieres)
    ana.rings().presses("1")
    call = await town.company.calls(STRANGER, town.number)
    await call.presses(PLUMBING)
    await call.presses("27570")
    assert call.said[-1].startswith("Pour Tillières-sur-Avre, tapez 1. Pour ")
    await call.presses("7")
    assert call.heard("Nous n’avons pas compris votre choix.")
    await call.presses("1")
    assert call.talks_to is ana
    await call.hangs_up()
    assert await town.value("select insee from call") == tillieres


async def test_a_postcode_with_many_communes_offers_those_with_the_most_people(town):
    """27400: 20 communes in several sectors. Louviers, the largest, comes first."""
    louviers = "27375"
    ana = await town.on_call("Ana", ANA, insee=louviers)
    ana.rings().presses("1")
    call = await town.company.calls(STRANGER, town.number)
    await call.presses(PLUMBING)
    await call.presses("27400")
    assert call.said[-2].startswith("Pour Louviers, tapez 1. Pour ")
    assert call.said[-2].endswith("tapez 8.")
    assert call.said[-1] == "Pour une autre commune, tapez 9."
    await call.presses("1")
    assert call.talks_to is ana
    await call.hangs_up()
    assert await town.value("select insee from intervention") == louviers


async def test_another_commune_than_those_offered_goes_to_the_manager(town, manager):
    manager.rings().presses("1")
    call = await town.company.calls(STRANGER, town.number)
    await call.presses(PLUMBING)
    await call.presses("27400")
    await call.presses("0")
    assert call.heard("Nous n’avons pas compris votre choix.")
    await call.presses("9")
    assert call.talks_to is manager
    await call.hangs_up()
    note = await town.value("select routing_note from call")
    assert note.startswith("Autre commune du code postal 27400, qui en a 20 dans plusieurs secteurs")


async def test_a_wrong_postcode_gets_a_second_try_then_a_human(town, manager):
    manager.rings().presses("1")
    call = await town.company.calls(STRANGER, town.number)
    await call.presses(PLUMBING)
    await call.presses("00000")
    assert call.heard("Nous n’avons pas reconnu ce code postal.")
    await call.waits()
    assert call.talks_to is manager
    await call.hangs_up()
    assert [step["kind"] for step in await town.ladder()] == ["manager", "fallback"]
    assert await town.value("select state from intervention") == "requested"


async def test_the_same_wrong_postcode_twice_is_two_tries_not_a_repeat(town, manager):
    manager.rings().presses("1")
    call = await town.company.calls(STRANGER, town.number)
    await call.presses(PLUMBING)
    await call.presses("99999")
    await call.presses("99999")
    assert call.talks_to is manager
    await call.hangs_up()


async def test_who_types_nothing_at_all_reaches_a_human(town, manager):
    manager.rings().presses("1")
    call = await town.company.calls(STRANGER, town.number)
    await call.waits()
    await call.waits()
    assert call.talks_to is manager
    await call.hangs_up()


async def test_a_masked_number_does_not_block_the_call(town):
    """R103."""
    ana = await town.on_call("Ana", ANA)
    ana.rings().presses("1")
    call = await town.company.calls(MASKED, town.number)
    await call.presses(PLUMBING)
    await call.presses("27500")
    assert call.talks_to is ana
    assert "Numéro masqué" in ana.heard[0]
    await call.hangs_up()
    assert await town.value("select caller from call") is None


@pytest.mark.parametrize(
    "number", ["", "+", "garbage ;drop table call", "sip:bob@example.net", "0", "+33" * 40, "\x00"]
)
async def test_an_odd_caller_number_does_not_block_the_call(town, number):
    ana = await town.on_call("Ana", ANA)
    ana.rings().presses("1")
    call = await town.company.calls(number, town.number)
    await call.presses(PLUMBING)
    await call.presses("27500")
    assert call.talks_to is ana
    await call.hangs_up()
    assert await town.value("select caller from call") is None


async def test_a_customer_with_several_sites_chooses_by_keypad(town):
    await town.customer(
        "Agence du Roumois", LEFEVRE, ("3 place Victor-Hugo", PONT_AUDEMER), ("8 rue Chartraine", EVREUX)
    )
    bilal = await town.on_call("Bilal", BILAL, insee=EVREUX)
    bilal.rings().presses("1")
    call = await town.company.calls(LEFEVRE, town.number)
    await call.presses(PLUMBING)
    assert call.heard("Pour 3 place Victor-Hugo, tapez 1. Pour 8 rue Chartraine, tapez 2.")
    assert call.said[-1] == "Pour un autre lieu, tapez 0."
    await call.presses("2")
    assert call.talks_to is bilal
    assert "8 rue Chartraine, Évreux" in bilal.heard[0]
    await call.hangs_up()
    case = await town.row("select address, insee, caller_name, premises_use from intervention")
    assert case == {
        "address": "8 rue Chartraine",
        "insee": EVREUX,
        "caller_name": "Agence du Roumois",
        "premises_use": "dwelling",
    }


async def test_a_customer_with_several_sites_may_call_for_another_place(town):
    await town.customer("Agence", LEFEVRE, ("3 place Victor-Hugo", PONT_AUDEMER), ("8 rue Chartraine", EVREUX))
    chloe = await town.on_call("Chloé", CHLOE, insee=BERNAY)
    chloe.rings().presses("1")
    call = await town.company.calls(LEFEVRE, town.number)
    await call.presses(PLUMBING)
    await call.presses("0")
    await call.presses("27300")
    assert call.talks_to is chloe
    await call.hangs_up()
    assert await town.value("select site_id from call") is None


async def test_each_trade_has_its_own_people(town, lefevre):
    await town.on_call("Ana", ANA)
    denis = await town.on_call("Denis", DENIS, trade="locksmith")
    denis.rings().presses("1")
    call = await town.company.calls(lefevre, town.number)
    assert call.heard("tapez 2.")
    await call.presses(LOCKSMITH)
    assert call.talks_to is denis
    await call.hangs_up()
    assert await town.value("select trade from intervention") == "locksmith"


async def test_gas_is_told_first_and_redirected_without_dispatch(town, lefevre):
    """R86, R87, R104: nobody is rung, no delay runs."""
    ana = await town.on_call("Ana", ANA)
    call = await town.company.calls(lefevre, town.number)
    assert call.heard("Pour une odeur de gaz ou un danger immédiat, tapez 9.")
    await call.presses("9")
    assert call.state is CallPhase.OVER
    assert ana.times_rung == 0
    assert sum("0 800 47 33 33" in said for said in call.said) >= 3  # first words, then twice in full
    assert call.heard("Pas de flamme, pas d’étincelle.")
    stored = await town.row("select state, outcome, routing_note from call")
    assert (stored["state"], stored["outcome"]) == ("ended", "redirected")
    case = await town.row("select state, redirect_code, arrive_by, accept_by from intervention")
    assert case == {"state": "redirected", "redirect_code": "gas_smell", "arrive_by": None, "accept_by": None}
    codes = [row["code"] for row in await town.rows("select code from intervention_clock order by code")]
    assert codes == ["T0", "T1"]
    assert await town.rows("select 1 from ladder_step") == []
    assert await town.rows("select 1 from callback") == []
    assert (await town.ended())["outcome"] == "redirected"


# --- down the ladder ----------------------------------------------------------


async def test_no_answer_busy_refused_wrong_number_then_the_neighbour(town, lefevre):
    ana = await town.on_call("Ana", ANA)
    bilal = await town.on_call("Bilal", BILAL, rank=2)
    chloe = await town.on_call("Chloé", CHLOE, insee=BERNAY)
    ana.rings().does_not_answer()
    bilal.rings().presses("2")
    chloe.rings().presses("1")
    call = await town.company.calls(lefevre, town.number)
    await call.presses(PLUMBING)
    assert call.talks_to is chloe
    assert call.rung == ["Ana", "Bilal", "Chloé"]
    await call.hangs_up()
    assert await town.legs() == [("Ana", "no_answer"), ("Bilal", "refused"), ("Chloé", "accepted")]
    steps = await town.ladder()
    assert [step["kind"] for step in steps][:3] == ["rank1", "rank2", "neighbour"]
    assert [step["kind"] for step in steps][-2:] == ["manager", "fallback"]
    assert steps[0]["reason"].startswith("De garde, rang 1, secteur Pont-Audemer – Roumois, du vendredi 01/01 1 h au ")
    assert (await town.ended())["accepted_kind"] == "neighbour"


async def test_busy_and_declined_and_dead_numbers_go_on(town, lefevre, manager):
    ana = await town.on_call("Ana", ANA)
    bilal = await town.on_call("Bilal", BILAL, rank=2)
    chloe = await town.on_call("Chloé", CHLOE, insee=BERNAY)
    ana.rings().is_busy()
    bilal.rings().declines()
    chloe.rings().is_unreachable()
    manager.rings().presses("1")
    call = await town.company.calls(lefevre, town.number)
    await call.presses(PLUMBING)
    assert call.talks_to is manager
    await call.hangs_up()
    assert await town.legs() == [
        ("Ana", "busy"),
        ("Bilal", "busy"),
        ("Chloé", "unreachable"),
        ("Hélène", "accepted"),
    ]
    case = await town.row("select state, technician_id from intervention")
    assert case == {"state": "requested", "technician_id": None}  # the manager keeps it, to be assigned
    texts = [row["text"] for row in await town.rows("select text from intervention_event order by id")]
    assert any("intervention à attribuer" in text for text in texts)


async def test_an_answering_machine_never_takes_the_call(town, lefevre):
    ana = await town.on_call("Ana", ANA)
    bilal = await town.on_call("Bilal", BILAL, rank=2)
    ana.rings().is_a_machine()
    bilal.rings().presses("1")
    call = await town.company.calls(lefevre, town.number)
    await call.presses(PLUMBING)
    assert call.talks_to is bilal
    await call.hangs_up()
    assert await town.legs() == [("Ana", "not_accepted"), ("Bilal", "accepted")]


async def test_somebody_who_hangs_up_on_the_whisper_has_not_accepted(town, lefevre):
    ana = await town.on_call("Ana", ANA)
    bilal = await town.on_call("Bilal", BILAL, rank=2)
    ana.rings().picks_up_and_hangs_up()
    bilal.rings().presses("1")
    call = await town.company.calls(lefevre, town.number)
    await call.presses(PLUMBING)
    assert call.talks_to is bilal
    await call.hangs_up()


async def test_nobody_answers_and_nothing_is_silent(town, lefevre, manager, fallback):
    ana = await town.on_call("Ana", ANA)
    ana.rings().does_not_answer()
    manager.rings().does_not_answer()
    fallback.rings().is_a_machine()
    call = await town.company.calls(lefevre, town.number)
    await call.presses(PLUMBING)
    assert call.state is CallPhase.OVER
    assert call.heard("nous vous rappelons tout de suite")
    stored = await town.row("select id, state, outcome from call")
    assert (stored["state"], stored["outcome"]) == ("ended", "missed")
    owed = await town.row("select phone, outcome, due_at - opened_at as within from callback")
    assert (owed["phone"], owed["outcome"], owed["within"].total_seconds()) == (lefevre, None, 300)
    alarm = await town.row("select severity, title, detail, link from alarm")
    assert alarm["severity"] == "critical"
    assert alarm["link"] == f"/calls/{stored['id']}"
    assert "Madame Lefèvre" in alarm["detail"]
    text = await town.row("select recipient, body from message")
    assert text["recipient"] == lefevre
    assert "0 800 47 33 33" in text["body"]
    assert await town.ended() == {"outcome": "missed", "accepted_kind": None, "day": "2027-03-01"}
    assert await town.value("select state from intervention") == "requested"


async def test_the_fallback_number_is_a_human_too(town, lefevre, manager, fallback):
    manager.rings().is_busy()
    fallback.rings().presses("1")
    call = await town.company.calls(lefevre, town.number)
    await call.presses(PLUMBING)
    assert call.talks_to is fallback
    await call.hangs_up()
    assert await town.value("select outcome from call") == "fallback"
    assert (await town.ended())["accepted_kind"] == "fallback"


async def test_an_empty_rota_is_explained_and_ends_at_the_manager(town, lefevre, manager):
    manager.rings().presses("1")
    call = await town.company.calls(lefevre, town.number)
    await call.presses(PLUMBING)
    assert call.talks_to is manager
    await call.hangs_up()
    steps = await town.ladder()
    vacant = [step for step in steps if step["skipped"]]
    assert {step["kind"] for step in vacant} == {"rank1", "rank2", "neighbour"}
    assert all(step["skipped"] == "Aucune astreinte n’est posée à cet instant." for step in vacant)


async def test_who_has_no_insurance_today_is_not_rung_and_the_reason_is_kept(town, lefevre):
    ana = await town.on_call("Ana", ANA, papers_until=date(2027, 2, 28))
    bilal = await town.on_call("Bilal", BILAL, rank=2)
    bilal.rings().presses("1")
    call = await town.company.calls(lefevre, town.number)
    await call.presses(PLUMBING)
    assert call.talks_to is bilal
    assert ana.times_rung == 0
    await call.hangs_up()
    first = (await town.ladder())[0]
    assert first["display_name"].startswith("Ana")
    assert "28/02/2027" in first["skipped"]


async def test_two_calls_at_once_in_one_sector(town, lefevre):
    ana = await town.on_call("Ana", ANA)
    bilal = await town.on_call("Bilal", BILAL, rank=2)
    ana.rings().presses("1")
    bilal.rings().presses("1")
    first = await town.company.calls(lefevre, town.number)
    await first.presses(PLUMBING)
    assert first.talks_to is ana
    second = await town.company.calls(STRANGER, town.number)
    await second.presses(PLUMBING)
    await second.presses("27500")
    assert second.talks_to is bilal  # Ana is talking: busy
    await second.hangs_up()
    await first.hangs_up()
    numbers = [row["number"] for row in await town.rows("select number from intervention order by number")]
    assert numbers == ["I-2027-000001", "I-2027-000002"]
    assert [row["outcome"] for row in await town.rows("select outcome from call")] == ["accepted", "accepted"]


async def test_ten_calls_in_the_same_instant_are_all_told_apart(town):
    ana = await town.on_call("Ana", ANA)
    bilal = await town.on_call("Bilal", BILAL, rank=2)
    manager = town.company.phone("Responsable", town.cooperative.manager_phone)
    fallback = town.company.phone("Repli", town.cooperative.fallback_phone)
    for phone in (ana, bilal, manager, fallback):
        phone.always().presses("1")

    async def one(caller: str) -> str:
        call = await town.company.calls(caller, town.number)
        await call.presses(PLUMBING)
        await call.presses("27500")
        name = call.talks_to.name if call.talks_to else "nobody"
        if call.state is not CallPhase.OVER:
            await call.hangs_up()
        return name

    met = await asyncio.gather(*(one(f"+336990000{n:02d}") for n in range(10)))
    assert len(met) == 10
    stored = await town.rows("select state, outcome, intervention_id from call")
    assert len(stored) == 10
    assert {row["state"] for row in stored} == {"ended"}
    assert len({row["intervention_id"] for row in stored}) == 10
    owed = len(await town.rows("select 1 from callback"))
    assert owed == sum(row["outcome"] == "missed" for row in stored) == met.count("nobody")


# --- the caller hangs up --------------------------------------------------------


async def test_hanging_up_during_the_menu_is_an_abandoned_call_without_callback(town, lefevre):
    call = await town.company.calls(lefevre, town.number)
    await call.hangs_up()
    assert await town.row("select state, outcome from call") == {"state": "ended", "outcome": "abandoned"}
    assert await town.rows("select 1 from callback") == []
    assert await town.rows("select 1 from intervention") == []


async def test_hanging_up_while_a_phone_rings_is_owed_a_callback(town, lefevre):
    ana = await town.on_call("Ana", ANA)
    bilal = await town.on_call("Bilal", BILAL, rank=2)
    ana.rings().and_the_caller_hangs_up()
    call = await town.company.calls(lefevre, town.number)
    await call.presses(PLUMBING)
    assert call.state is CallPhase.OVER
    assert bilal.times_rung == 0
    assert await town.row("select state, outcome from call") == {"state": "ended", "outcome": "abandoned"}
    assert await town.value("select phone from callback") == lefevre
    assert await town.value("select severity from alarm") == "warning"
    assert await town.legs() == [("Ana", "cancelled")]


async def test_hanging_up_during_the_whisper_is_owed_a_callback(town, lefevre):
    ana = await town.on_call("Ana", ANA)
    ana.rings().picks_up_and_the_caller_hangs_up()
    call = await town.company.calls(lefevre, town.number)
    await call.presses(PLUMBING)
    assert call.state is CallPhase.OVER
    assert await town.value("select outcome from call") == "abandoned"
    assert await town.value("select phone from callback") == lefevre
    assert await town.value("select state from intervention") == "requested"


async def test_the_line_going_down_is_enough_when_nothing_else_is_told(town, lefevre):
    """The carrier tells the end of the line only: the running attempt is cancelled."""
    ana = await town.on_call("Ana", ANA)
    ana.rings().presses("1")
    call = await town.company.calls(lefevre, town.number)
    await call.presses(PLUMBING)
    town.company.misbehaves.lose_status = True
    await call.hangs_up()
    assert await town.value("select outcome from call") == "accepted"


# --- the night of the repeated hour ----------------------------------------------


async def test_the_handover_in_the_repeated_hour_of_october(town, lefevre, moved_clock):
    """R105: on 31 October 2027 the hour from 2 to 3 happens twice; the handover is at its second passage."""
    handover = datetime(2027, 10, 31, 1, 0, tzinfo=UTC)
    start, end = datetime(2027, 10, 25, tzinfo=UTC), datetime(2027, 11, 8, tzinfo=UTC)
    ana = await town.on_call("Ana", ANA, period=(start, handover))
    bilal = await town.on_call("Bilal", BILAL, period=(handover, end), sector_id=await town.sector(PONT_AUDEMER))
    for instant, phone in ((datetime(2027, 10, 31, 0, 30, tzinfo=UTC), ana), (handover, bilal)):
        moved_clock.move_to(instant)
        phone.rings().presses("1")
        call = await town.company.calls(lefevre, town.number)
        await call.presses(PLUMBING)
        assert call.talks_to is phone
        await call.hangs_up()
    step = (await town.ladder())[0]
    assert step["reason"].endswith("du dimanche 31/10 2 h (UTC+0100) au lundi 08/11 1 h")


# --- several cooperatives --------------------------------------------------------


async def test_a_number_that_is_nobodys_is_told_politely(town):
    call = await town.company.calls(LEFEVRE, "+33232000000")
    assert call.state is CallPhase.OVER
    assert call.heard("En cas de danger, appelez le 18 ou le 112.")
    assert await town.rows("select 1 from call") == []


async def test_the_number_called_decides_the_cooperative(town, seine_maritime):
    call = await town.company.calls(LEFEVRE, seine_maritime.public_number)
    assert call.heard("Dépannage Seine-Maritime")
    await call.hangs_up()
    assert await town.rows("select 1 from call") == []
