"""A text message comes back: « 1 » takes the offer made to that number, « 2 » declines it, the rest is for a person."""

from datetime import timedelta
from uuid import UUID

from maillage_kit import clock
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import AppError
from maillage_kit.phone import show_phone
from maillage_kit.settings import Settings
from maillage_tenants import alarms, messages
from maillage_tenants.interventions import queries
from maillage_tenants.interventions.models import Offer, OfferState
from maillage_tenants.interventions.service.offers import accept_offer, case_url, decline_offer
from maillage_tenants.interventions.service.story import add_event
from maillage_tenants.messages import Meaning, Reply

ANSWERED_WITHIN = timedelta(hours=12)
"""An older offer is no longer what a bare « 1 » answers."""
_STILL_WINS = timedelta(hours=1)
"""An offer that ran out may still be taken, as long as nobody has the case."""
_ABOUT = timedelta(days=7)


class OfferReplies:
    """What replies mean to this domain (`messages.Answers`)."""

    async def concerned(self, session: TenantSession, *, phone: str) -> bool:
        """Whether an offer made to a technician at this number waits for an answer."""
        made = await queries.offers_to_number(session, phone=phone, since=clock.now() - ANSWERED_WITHIN)
        return any(offer.state == OfferState.PENDING for offer, _ in made)

    async def answer(
        self,
        session: TenantSession,
        *,
        cooperative: CooperativeContext,
        settings: Settings,
        reply_id: UUID,
        reply: Reply,
    ) -> tuple[str, UUID | None]:
        """Act on a reply; what came of it in words, and the case.

        Only an unambiguous « 1 » or « 2 » from the number an offer was made to acts: with several offers open the
        technician is asked to choose on their page, and whoever comes late is told so. Anything that is not understood
        raises an alarm with the text. STOP is noted (R23); messages about what the person asked for still come.
        """
        meaning = messages.meaning_of(reply.body)
        if meaning is Meaning.STOP:
            await messages.note_stop(session, phone=reply.sender, at=reply.at)
            return "STOP noté", None
        made = await queries.offers_to_number(session, phone=reply.sender, since=reply.at - ANSWERED_WITHIN)
        if meaning is Meaning.OTHER or not made:
            return await _for_a_person(session, reply_id=reply_id, reply=reply)
        open_ones = [(offer, number) for offer, number in made if offer.state == OfferState.PENDING]
        if not open_ones and meaning is Meaning.YES:
            recent = reply.at - _STILL_WINS
            open_ones = [
                (offer, number)
                for offer, number in made[:1]
                if offer.state == OfferState.EXPIRED and offer.offered_at is not None and offer.offered_at >= recent
            ]
        if len({offer.intervention_id for offer, _ in open_ones}) > 1:
            home = f"{settings.web.public_url.rstrip('/')}/c/{cooperative.slug}/field"
            await _say(session, reply, reply_id, "reply_which", None, url=home)
            return "plusieurs demandes ouvertes : renvoyé vers sa page", None
        if not open_ones:
            return await _too_late(session, reply_id, reply, *made[0])
        offer, number = open_ones[0]
        if offer.technician_id is None:
            return await _for_a_person(session, reply_id=reply_id, reply=reply)
        url = case_url(settings, cooperative, offer.intervention_id)
        try:
            async with session.begin_nested():
                if meaning is Meaning.YES:
                    await accept_offer(
                        session, offer_id=offer.id, technician_id=offer.technician_id, at=reply.at, by=_by(offer)
                    )
                else:
                    await decline_offer(
                        session,
                        offer_id=offer.id,
                        technician_id=offer.technician_id,
                        at=reply.at,
                        by=_by(offer),
                        case_url=url,
                    )
        except AppError:
            return await _too_late(session, reply_id, reply, offer, number)
        if meaning is Meaning.NO:
            await _say(session, reply, reply_id, "reply_noted", offer.intervention_id, number=number)
            return f"{number} : refusée", offer.intervention_id
        row = await queries.case(session, case_id=offer.intervention_id)
        phone = show_phone(row.caller_phone)
        await _say(session, reply, reply_id, "reply_yours", row.id, number=number, phone=phone, url=url)
        return f"{number} : acceptée", row.id


def _by(offer: Offer) -> str:
    return f"{offer.display_name} (par SMS)"


async def _too_late(
    session: TenantSession, reply_id: UUID, reply: Reply, offer: Offer, number: str
) -> tuple[str, UUID | None]:
    row = await queries.case(session, case_id=offer.intervention_id)
    if row.technician_id is not None and row.technician_id == offer.technician_id:
        return f"{number} : déjà à lui", row.id
    await _say(session, reply, reply_id, "reply_taken", row.id, number=number)
    return f"{number} : trop tard", row.id


async def _say(
    session: TenantSession, reply: Reply, reply_id: UUID, purpose: str, case_id: UUID | None, **facts: str
) -> None:
    await messages.send_sms(
        session,
        to=reply.sender,
        body=messages.wording(purpose, **facts),
        purpose=purpose,
        dedupe_key=f"reply:{reply_id}",
        intervention_id=case_id,
    )


async def _for_a_person(session: TenantSession, *, reply_id: UUID, reply: Reply) -> tuple[str, UUID | None]:
    """Nobody's machine understands it: the desk reads it, on the case that the last message was about."""
    told = await messages.last_case_told(session, phone=reply.sender, since=reply.at - _ABOUT)
    case_id = told[1] if told else None
    text = " ".join(reply.body.split())[:500] or "(vide)"
    if case_id is not None:
        await add_event(
            session,
            case_id=case_id,
            kind="sms_received",
            text=f"SMS reçu du {show_phone(reply.sender)} : {text}",
            actor="Maillage",
            at=reply.at,
        )
    await alarms.raise_alarm(
        session,
        kind="messages.reply",
        severity=alarms.Severity.WARNING,
        title=f"SMS reçu du {show_phone(reply.sender)}",
        detail=text,
        link=f"/cases/{case_id}" if case_id else "/messages?show=received",
        dedupe_key=f"messages.reply:{reply_id}",
        subject_id=reply_id,
    )
    return "à lire par la permanence", case_id
