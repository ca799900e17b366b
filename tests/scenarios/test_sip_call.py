"""Whole calls through our own switchboard, as its edge and its voice tell them while they last: a ladder gone down
without us, late keys, refusals, callers who leave."""

import html
from datetime import timedelta

import pytest

from maillage_app.runtime import Runtime
from maillage_kit.permissions import Role

pytestmark = pytest.mark.usefixtures("a_patient_edge")
ANA, BILAL, CHLOE, CALLER = "+33611111101", "+33611111102", "+33611111103", "+33633333301"


@pytest.fixture
def runtime(runtime_with_edge: Runtime) -> Runtime:
    return runtime_with_edge


async def test_a_call_told_by_the_edge_and_the_voice(town, dials, moved_clock) -> None:
    """Ana's answering machine, Bilal busy, Chloé accepts; they talk for a minute."""
    await town.on_call("Ana", ANA)
    await town.on_call("Bilal", BILAL, rank=2)
    await town.on_call("Chloé", CHLOE, insee="27056")
    await town.customer("Madame Lefèvre", CALLER, ("12 rue de la République", "27467"))
    line = dials()
    document = await line.rings()
    assert document["steps"] == "voice,100,101"
    await line.start()
    assert "Si vous sentez le gaz" in line.said[0]
    await line.types("1")
    assert [number for _, number in line.hunt][:2] == [ANA, BILAL]
    (ana, _), (bilal, _), (chloe, _), *_rest = line.hunt
    moved_clock.advance(seconds=2)
    await line.tell(
        line.event("received"),
        line.event("decided", source="app"),
        line.event("attempt", step="voice", source="app"),
        line.event("answered", step="voice", source="app"),
        line.event("attempt", step=ana),
        line.event("ringing", step=ana),
    )
    moved_clock.advance(seconds=12)
    await line.tell(line.event("answered", step=ana))
    whispered = await line.whisper(ana)
    said = whispered[0]["gather"]["say"][0]["text"]
    assert "Madame Lefèvre" in said
    assert "12 rue de la République" in said
    moved_clock.advance(seconds=20)
    await line.tell(line.event("not_accepted", step=ana, detail="no key"), line.event("attempt", step=bilal))
    moved_clock.advance(seconds=1)
    await line.tell(line.event("busy", step=bilal), line.event("attempt", step=chloe))
    moved_clock.advance(seconds=6)
    await line.whisper(chloe)
    moved_clock.advance(seconds=4)
    assert await line.key(chloe, "1") == []
    await line.tell(line.event("accepted", step=chloe), line.event("bridged", step=chloe))
    moved_clock.advance(seconds=60)
    await line.tell(line.event("unbridged", step=chloe))
    await line.step(chloe, bridged=True)
    assert line.said == ["Merci de votre appel. Au revoir."]
    await line.tell(line.event("voice_ended", step="voice"), line.event("ended", step="voice"))

    assert await town.legs() == [("Ana", "not_accepted"), ("Bilal", "busy"), ("Chloé", "accepted")]
    call = await town.row("select state, outcome, accepted_position, connected_at, ended_at from call")
    assert (call["state"], call["outcome"], call["accepted_position"]) == ("ended", "accepted", chloe)
    assert call["ended_at"] - call["connected_at"] == timedelta(seconds=60)
    case = await town.row("select state, technician_id from intervention")
    assert (case["state"], case["technician_id"]) == ("accepted", town.people["Chloé"])
    (taken,) = await town.rows("select recipient, purpose from message")
    assert taken == {"recipient": CHLOE, "purpose": "call_taken"}
    assert await town.rows("select 1 from callback") == []
    assert await town.ended() == {"outcome": "accepted", "accepted_kind": "neighbour", "day": "2027-03-01"}


async def test_who_was_rung_before_may_press_late_and_only_one_wins(town, dials, moved_clock) -> None:
    await town.on_call("Ana", ANA)
    await town.on_call("Bilal", BILAL, rank=2)
    line = dials()
    (ana, _), (bilal, _), *_rest = await town.to_the_ladder(line)
    await line.whisper(ana)
    moved_clock.advance(seconds=16)
    await line.whisper(bilal)  # Ana did not press in time: the voice went on by itself, her line is still up
    assert await line.key(ana, "1") == []
    late = await line.key(bilal, "1")
    assert late[0]["say"]["prompt"] == "already_taken"
    assert late[1] == {"hangup": True}
    await line.step(ana, bridged=True)
    assert await town.legs() == [("Ana", "accepted"), ("Bilal", "not_accepted")]
    assert await town.value("select technician_id from intervention") == town.people["Ana"]


async def test_a_refusal_and_nobody(town, dials, moved_clock) -> None:
    """The voice comes back from the last step: the call is missed, and nothing is silent."""
    await town.on_call("Ana", ANA)
    line = dials()
    steps = await town.to_the_ladder(line)
    ana, last = steps[0][0], steps[-1][0]
    await line.whisper(ana)
    refused = await line.key(ana, "2")
    assert refused[0]["say"]["prompt"] == "refused"
    for position, _ in steps[1:]:
        await line.tell(line.event("attempt", step=position), line.event("no_answer", step=position))
    await line.step(last, ending="no_answer")
    assert "Nous n’avons pas réussi" in line.said[0]
    assert {"record", "hangup"} <= {name for verb in line.verbs for name in verb}
    assert [state for _, state in await town.legs()] == ["refused", *["no_answer"] * (len(steps) - 1)]
    assert await town.value("select outcome from call") == "missed"
    assert len(await town.rows("select 1 from callback")) == 1
    assert len(await town.rows("select 1 from alarm where kind = 'call_to_return'")) == 1


async def test_the_caller_hangs_up_while_somebody_rings(town, dials, moved_clock) -> None:
    await town.on_call("Ana", ANA)
    line = dials()
    (ana, _), *_rest = await town.to_the_ladder(line)
    await line.tell(line.event("attempt", step=ana), line.event("ringing", step=ana))
    moved_clock.advance(seconds=5)
    assert await line.step(ana, ending="cancelled", gone=True) == [{"hangup": True}]
    await line.tell(line.event("caller_cancelled", step=ana), line.event("voice_ended", step="voice"))
    assert await town.legs() == [("Ana", "cancelled")]
    assert await town.value("select outcome from call") == "abandoned"
    assert len(await town.rows("select 1 from callback")) == 1


async def test_a_hang_up_at_the_menu_that_only_the_edge_tells(town, dials, moved_clock) -> None:
    """The voice process died: nothing is concluded at once, the call is closed a moment later."""
    line = dials()
    await line.rings()
    await line.start()
    moved_clock.advance(seconds=3)
    await line.tell(line.event("ended", step="voice"))
    assert await town.value("select state from call") == "menu"
    await town.settled()
    call = await town.row("select state, outcome, ended_at - started_at as took from call")
    assert call == {"state": "ended", "outcome": "abandoned", "took": timedelta(seconds=3)}
    assert await town.rows("select 1 from callback") == []


async def test_the_document_is_the_same_when_it_is_asked_again(town, dials) -> None:
    line = dials()
    body = line.body() | {"caller": CALLER, "called": town.number, "source_ip": "192.0.2.1"}
    first = await line.post("/telephony/sip/route", body)
    again = await line.post("/telephony/sip/route", body)
    assert first.text == again.text
    other = await line.post("/telephony/sip/route", body | {"id": "another"})
    assert other.json()["call"] == first.json()["call"]
    assert len(await town.rows("select 1 from call")) == 1


async def test_the_page_tells_the_call(town, dials, moved_clock, sign_in) -> None:
    await town.on_call("Ana", ANA)
    line = dials()
    (ana, _), *_rest = await town.to_the_ladder(line)
    moved_clock.advance(seconds=9)
    await line.whisper(ana)
    await line.tell(
        line.event("received", at=moved_clock.now() - timedelta(seconds=9)),
        line.event("decided", source="plan", at=moved_clock.now() - timedelta(seconds=9)),
        line.event("attempt", step=ana),
        line.event("accepted", step=ana),
    )
    office = await sign_in(Role.MANAGER, town.cooperative)
    shown = html.unescape((await office.get(f"/c/eure/calls/{line.document['call']}")).text)
    for words in (
        "Appel arrivé au standard",
        "Aiguillé sans le système, par le plan de la coopérative",
        "Premiers mots à l’appelant",
        "Code postal : touche 2 7 5 0 0",
        "Ana Test : composition du numéro",
        "Ana Test a décroché : annonce lue",
        "Ana Test : a accepté",
        "Tapez 1 pour accepter, 2 pour refuser.",
    ):
        assert words in shown, words
    assert shown.index("Appel arrivé au standard") < shown.index("Ana Test : composition du numéro")
