"""Stories of calls to the single number, as a member of the cooperative would tell them."""

import pytest

from maillage_kit.testing.phone_company import MASKED, CallPhase

LEFEVRE = "+33633333301"
STRANGER = "+33699999901"
ANA, BILAL, CHLOE = "+33611111101", "+33611111102", "+33611111103"
PONT_AUDEMER, EVREUX, BERNAY = "27467", "27229", "27056"


async def test_a_subscriber_is_recognised_and_talks_to_the_artisan_on_call(town):
    ana = await town.on_call("Ana", ANA)
    await town.customer("Madame Lefèvre", LEFEVRE, ("12 rue de la République", PONT_AUDEMER))
    ana.rings().presses("1")

    call = await town.company.calls(LEFEVRE, town.number)
    assert call.said[0].startswith("Si vous sentez le gaz, ne touchez à rien d’électrique, sortez et appelez le 0 800")
    assert call.heard("Pour la plomberie, tapez 1.")
    await call.presses("1")

    assert call.talks_to is ana
    assert call.heard("pour Pont-Audemer")
    assert "Madame Lefèvre" in ana.heard[0] and "12 rue de la République, Pont-Audemer" in ana.heard[0]
    assert "Plomberie" in ana.heard[0]
    assert ana.displayed == [town.number]
    await call.hangs_up()

    stored = await town.row("select * from call")
    assert (stored["state"], stored["outcome"]) == ("ended", "accepted")
    case = await town.row("select * from intervention")
    assert case["state"] == "accepted"
    assert case["call_id"] == stored["id"] == await town.value("select id from call where intervention_id is not null")
    assert case["technician_id"] == town.people["Ana"]
    clocks = {row["code"]: row["at"] for row in await town.rows("select code, at from intervention_clock")}
    assert sorted(clocks) == ["T0", "T1", "T3", "T4"]
    assert clocks["T0"] == stored["started_at"] and clocks["T4"] == stored["connected_at"]
    assert await town.legs() == [("Ana", "accepted")]
    told = await town.row("select recipient, body from message")
    assert told["recipient"] == ANA and "06 33 33 33 01" in told["body"]
