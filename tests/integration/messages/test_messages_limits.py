"""Quiet hours, limits by the hour, numbers that receive nothing any more, STOP."""

from datetime import timedelta
from typing import Any

from maillage_kit import clock
from maillage_kit.permissions import Role
from maillage_kit.testing.message_carriers import FakeTwilio
from maillage_tenants import messages
from maillage_tenants.messages import MessageState


async def test_routine_waits_for_the_morning_and_an_emergency_never(post, twilio: FakeTwilio) -> None:
    post.clock.move_to(clock.paris_instant(clock.paris(clock.now()).date()) + timedelta(hours=22))
    held = await post.tell("duty_changed")
    await post.work()
    row = await post.row(held)
    assert (row.state, row.held_reason, twilio.texts) == (MessageState.HELD, "Heures calmes", [])
    assert row.held_until is not None
    assert f"{clock.paris(row.held_until):%d %H:%M}" == "02 08:00"
    for _ in range(8):
        await post.tell("offer")
    await post.work()
    assert len(twilio.texts) == 8  # as many as there are, over the limit of the rest
    post.clock.move_to(row.held_until)
    await post.work()
    assert (await post.row(held)).state == MessageState.SENT


async def test_routine_is_limited_by_the_hour_and_what_waits_is_seen(post, twilio: FakeTwilio) -> None:
    written = [await post.tell("duty_changed") for _ in range(8)]
    await post.work()
    states = [(await post.row(message_id)).state for message_id in written]
    assert states.count(MessageState.SENT) == 6
    waiting = await post.row(written[states.index(MessageState.HELD)])
    assert waiting.held_reason == "Déjà 6 messages en une heure"
    post.clock.advance(hours=1)
    await post.work()
    assert {(await post.row(message_id)).state for message_id in written} == {MessageState.SENT}


async def test_a_dead_number_alarms_the_desk_once_until_it_works_again(
    post, twilio: FakeTwilio, crew: Any, sign_in: Any
) -> None:
    async def of_texts() -> list[str]:
        """Without what the sweep of each minute may find meanwhile: somebody is on call whose phone gets nothing."""
        swept = "Karim Benali est d’astreinte sans téléphone joignable"
        return [title for title in await post.alarms() if title != swept]

    for _ in range(2):
        await post.tell("offer_withdrawn")
        await post.work()
        assert await post.receipt(twilio.texts[-1]["callback"], "undelivered", "30005") == 204
        await post.work()
    assert await of_texts() == ["SMS non envoyé à 06 12 34 57 01"]
    office = await sign_in(Role.MANAGER, post.cooperative)
    member = await office.get(f"/c/eure/members/{crew.artisans[0].member_id}")
    assert "Ne reçoit plus de SMS" in member.text
    await post.tell("offer_withdrawn")
    await post.work()
    assert await post.receipt(twilio.texts[-1]["callback"], "delivered") == 204
    assert await of_texts() == []
    assert "Ne reçoit plus de SMS" not in (await office.get(f"/c/eure/members/{crew.artisans[0].member_id}")).text


async def test_stop_holds_for_what_is_no_service(post, twilio: FakeTwilio) -> None:
    """R23: STOP ends what was not asked for; a customer's own repair is still talked about."""
    assert await post.answers("STOP", sender="+33612349999") == 200
    async with post.runtime.database.tenant(post.cooperative.tenant) as session:
        await messages.note_stop(session, phone="+33612349999", at=clock.now())
        for service in (True, False):
            await messages.send_sms(
                session,
                to="+33612349999",
                body="texte",
                purpose="case_accepted",
                dedupe_key=f"s{service}",
                service=service,
            )
    await post.work()
    assert len(twilio.texts) == 1
    assert await post.alarms() == []
