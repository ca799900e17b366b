"""Replies by text message: who takes an offer, who is late, what nobody understands."""

from typing import Any
from uuid import UUID

from maillage_kit import clock
from maillage_kit.permissions import Role
from maillage_kit.testing.message_carriers import FakeTwilio
from maillage_tenants import interventions
from maillage_tenants.interventions import Source


async def _offer(post, crew: Any, *names: int) -> UUID:
    """A case offered to these artisans of the crew, in this order."""
    async with post.runtime.database.tenant(post.cooperative.tenant) as session:
        case = await interventions.open_case(
            session,
            facts=interventions.NewCase(
                source=Source.WEB,
                requested_at=clock.now(),
                by="tests",
                caller_name="Madame Lefèvre",
                caller_phone="+33612345678",
                address="3 rue Sadi-Carnot, Pont-Audemer",
                insee="27467",
                trade="plumbing",
            ),
        )
        candidates = [_Candidate(crew.artisans[number]) for number in names]
        url = interventions.case_url(post.runtime.settings, post.cooperative, case.id)
        await interventions.start_offers(
            session, case_id=case.id, candidates=candidates, at=clock.now(), by="tests", case_url=url
        )
    return case.id


class _Candidate:
    def __init__(self, artisan: Any) -> None:
        self.kind = "on_call"
        self.phone: str | None = artisan.phone
        self.display_name: str = artisan.name
        self.member_id: UUID | None = artisan.member_id
        self.technician_id: UUID | None = artisan.technician_id
        self.duty_id: UUID | None = artisan.duty_id
        self.reason = "de garde"
        self.skipped: str | None = None


async def _owner(post, case_id: UUID) -> UUID | None:
    async with post.runtime.database.tenant(post.cooperative.tenant) as session:
        return (await interventions.case(session, case_id=case_id)).technician_id


async def test_one_takes_the_offer_and_the_late_one_is_told(post, twilio: FakeTwilio, crew: Any) -> None:
    karim, sophie = crew.artisans[:2]
    case_id = await _offer(post, crew, 0, 1)
    await post.work()
    assert await post.answers("2", sender=karim.phone) == 200  # no: Sophie is asked at once
    await post.work()
    assert [text["to"] for text in twilio.texts][:2] == [karim.phone, sophie.phone] or "noté" in twilio.texts[1]["body"]
    for sid in ("SMone", "SMone"):  # the carrier says it twice
        assert await post.answers("1", sender=sophie.phone, sid=sid) == 200
    assert await _owner(post, case_id) == sophie.technician_id
    assert await post.answers("Oui", sender=karim.phone) == 200
    assert await post.answers("1", sender=sophie.phone) == 200  # again: it is hers already
    await post.work()
    said = [(text["to"], text["body"]) for text in twilio.texts]
    assert sum("est à vous" in body for to, body in said if to == sophie.phone) == 1
    assert any("06 12 34 56 78" in body for to, body in said if to == sophie.phone)
    assert sum("déjà pris par un collègue" in body for to, body in said if to == karim.phone) == 1
    assert twilio.calls == []  # who answered is not called


async def test_a_bare_one_is_not_guessed_when_two_offers_are_open(post, twilio: FakeTwilio, crew: Any) -> None:
    first, second = await _offer(post, crew, 0), await _offer(post, crew, 0)
    assert await post.answers("1", sender=crew.artisans[0].phone) == 200
    assert (await _owner(post, first), await _owner(post, second)) == (None, None)
    await post.work()
    assert any("choisissez sur votre page" in text["body"] for text in twilio.texts)


async def test_only_the_number_it_was_offered_to_may_take_it(post, crew: Any) -> None:
    case_id = await _offer(post, crew, 0)
    assert await post.answers("1", sender=crew.artisans[1].phone) == 200
    assert await post.answers("1", sender="+33698765432") == 200
    form = {"MessageSid": "SMx", "From": crew.artisans[0].phone, "To": "+33939036612", "Body": "1"}
    assert await post.signed("/telephony/messages/twilio/inbound", form, token="autre") == 403
    assert await _owner(post, case_id) is None


async def test_what_is_not_understood_is_read_by_the_desk(post, crew: Any, sign_in: Any) -> None:
    case_id = await _offer(post, crew, 0)
    await post.work()
    assert await post.answers("je suis sur l’autoroute, appelez Sophie", sender=crew.artisans[0].phone) == 200
    assert "SMS reçu du 06 12 34 57 01" in await post.alarms()
    assert await _owner(post, case_id) is None
    office = await sign_in(Role.MANAGER, post.cooperative)
    for page in (f"/c/eure/cases/{case_id}", "/c/eure/messages?show=received"):
        assert "je suis sur l’autoroute" in (await office.get(page)).text
