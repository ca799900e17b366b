"""Giving one attempt to its carrier: the only place that speaks to the outside, with no transaction open."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from maillage_kit.context import CooperativeContext
from maillage_kit.crypto import derived_token
from maillage_kit.settings import Settings
from maillage_kit.web import base_path
from maillage_tenants.messages import rules
from maillage_tenants.messages.bounces import return_address
from maillage_tenants.messages.carriers.ports import (
    Carriers,
    CarrierSaidNo,
    CarrierUnavailable,
    Mail,
    Notice,
    SpokenCall,
    Text,
)
from maillage_tenants.messages.models import Channel, Failure
from maillage_tenants.messages.words import template

log = structlog.get_logger(__name__)
RECEIPTS = "/telephony/messages"
DEVELOPMENT = "development"
_WEB_ADDRESS = re.compile(r"\S*https?://\S+")


@dataclass(frozen=True, slots=True)
class Gift:
    """One attempt to make, with all it needs. `resumed`: since when a killed worker may already have made it."""

    attempt_id: UUID
    message_id: UUID
    channel: Channel
    carrier: str
    address: str
    purpose: str
    urgent: bool
    subject: str
    body: str
    glance: str
    link: str
    subscription: tuple[str, str, str] | None
    resumed: datetime | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: the carrier's reference, or its no."""

    attempt_id: UUID
    reference: str | None
    failure: Failure | None = None
    error: str = ""
    segments: int | None = None


async def give(gift: Gift, carriers: Carriers, cooperative: CooperativeContext, settings: Settings) -> Outcome:
    """Ask the carrier. Never raises: a carrier that breaks in an unknown way is one that is unavailable."""
    text = _text(gift, carriers, cooperative)
    segments = rules.segments(text.body) if gift.channel is Channel.SMS else None
    if gift.carrier == DEVELOPMENT:
        return Outcome(gift.attempt_id, DEVELOPMENT, segments=segments)
    try:
        return Outcome(gift.attempt_id, await _give(gift, text, carriers, cooperative, settings), segments=segments)
    except CarrierSaidNo as no:
        return Outcome(gift.attempt_id, None, no.failure, str(no), segments)
    except Exception as exc:
        log.exception("carrier_broke", carrier=gift.carrier, attempt=str(gift.attempt_id))
        return Outcome(gift.attempt_id, None, Failure.UNAVAILABLE, f"panne : {type(exc).__name__}", segments)


async def _give(gift: Gift, text: Text, carriers: Carriers, cooperative: CooperativeContext, settings: Settings) -> str:
    match gift.channel:
        case Channel.SMS:
            sender = carriers.sms_named(gift.carrier)
            if sender is None:
                raise CarrierUnavailable("cet opérateur n’est plus configuré")
            known = await sender.find(text, since=gift.resumed) if gift.resumed else None
            return known or await sender.send(text)
        case Channel.PUSH if carriers.push is not None and gift.subscription is not None:
            endpoint, key, secret = gift.subscription
            return await carriers.push.send(
                Notice(
                    endpoint=endpoint,
                    key=key,
                    secret=secret,
                    payload=push_payload(gift, cooperative, settings),
                    topic=gift.message_id.hex,
                    seconds=int(template(gift.purpose).lasts.total_seconds()),
                    urgent=gift.urgent,
                )
            )
        case Channel.CALL if carriers.caller is not None:
            spoken = _WEB_ADDRESS.sub("", gift.glance or gift.body).strip()
            said = f"{cooperative.name}, message urgent. {spoken}"
            path = f"{RECEIPTS}/{carriers.caller.receipts}/{cooperative.id}/{gift.attempt_id}"
            return await carriers.caller.call(SpokenCall(gift.address, said, gift.attempt_id, path))
        case Channel.EMAIL if carriers.mail is not None:
            label = template(gift.purpose).label
            return await carriers.mail.send(
                Mail(
                    to=gift.address,
                    subject=gift.subject or f"{cooperative.name} : {label[:1].lower()}{label[1:]}",
                    body=gift.body,
                    message_id=str(gift.message_id),
                    sender_name=cooperative.name,
                    reply_to=cooperative.email,
                    return_path=return_address(settings, gift.attempt_id),
                )
            )
        case _:
            raise CarrierUnavailable("cette voie n’est plus configurée")


def _text(gift: Gift, carriers: Carriers, cooperative: CooperativeContext) -> Text:
    sender = carriers.sms_named(gift.carrier)
    hint = template(gift.purpose).hint
    body = f"{gift.body} {hint}" if hint and sender is not None and sender.answerable else gift.body
    return Text(
        to=gift.address,
        body=rules.plain(rules.signed(cooperative.name, body)),
        key=gift.attempt_id,
        receipt_path=f"{RECEIPTS}/twilio/{cooperative.id}/{gift.attempt_id}",
        urgent=gift.urgent,
    )


def push_payload(gift: Gift, cooperative: CooperativeContext, settings: Settings) -> bytes:
    """What the service worker shows: neither a name nor an address (R72); where to open; where to say that it was
    shown, with a token that only this attempt knows."""
    token = push_token(settings, gift.attempt_id)
    return json.dumps(
        {
            "title": cooperative.name,
            "body": gift.glance or "Vous avez un message : ouvrez pour le lire.",
            "url": base_path(cooperative) + (gift.link or "/field"),
            "tag": gift.message_id.hex,
            "urgent": gift.urgent,
            "receipt": f"{RECEIPTS}/push/{cooperative.id}/{gift.attempt_id}/{token}",
        },
        ensure_ascii=False,
    ).encode()


def push_token(settings: Settings, attempt_id: UUID) -> str:
    return derived_token(settings.web.secret_key, f"push-receipt:{attempt_id}")
