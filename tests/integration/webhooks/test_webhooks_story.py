"""A repair from the call to its note, as a partner's software hears of it: every act, in order, and nobody's name."""

from maillage_kit import clock
from maillage_kit.testing.webhook_receiver import Receiver
from maillage_tenants import interventions, invoices, quotes


async def test_a_repair_is_told_from_its_opening_to_its_end(telling, eure, new_repair, receiver: Receiver) -> None:
    await telling.add(eure, receiver.url())
    repair = await new_repair()
    async with telling.runtime.database.tenant(eure.tenant) as session:
        refused = (await repair.draft(session, labour_minutes=30)).emergency
        assert refused is not None
        await repair.send(session, refused)
        await quotes.refuse_quote(session, quote_id=refused, by="Karim Benali")
        signed = await repair.signed_quote(session)
        await repair.finish(session)
        note = await invoices.issue_note(session, cooperative=eure, case_id=repair.case_id, by="Karim Benali")
        await interventions.mark_closed(
            session, case_id=repair.case_id, note_exists=True, at=clock.now(), by="Karim Benali"
        )
    for _ in range(3):
        await telling.round()
    told = [(got.type, got.payload["data"]) for got in receiver.received]
    assert [
        (name.removesuffix(".v1"), data.get("state") or data.get("decision") or data.get("kind")) for name, data in told
    ] == [
        ("intervention.opened", None),
        ("intervention.state_changed", "accepted"),
        ("intervention.state_changed", "on_site"),
        ("quote.sent", "emergency"),
        ("quote.decided", "refused"),
        ("quote.sent", "emergency"),
        ("quote.decided", "signed"),
        ("intervention.state_changed", "done"),
        ("note.issued", str(note.kind)),
        ("intervention.state_changed", "closed"),
        ("intervention.closed", None),
    ]
    assert {data["intervention_id"] for _, data in told} == {str(repair.case_id)}
    assert {data["customer_id"] for _, data in told} == {str(repair.customer_id)}
    assert [data["quote_id"] for name, data in told if name.startswith("quote.")] == [
        *[str(refused)] * 2,
        *[str(signed.id)] * 2,
    ]
    everything = "".join(got.body.decode() for got in receiver.received)
    for personal in ("Lefèvre", "Benali", "+336", "Sadi-Carnot", "27500", "évier"):
        assert personal not in everything
