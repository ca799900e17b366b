"""Messages: what the cooperative says to people, along a chain per person and urgency, each attempt traced.

Written with what caused them: a row and a task in the same transaction; the task asks carriers one after the other.
Invariants: an emergency is never held back nor limited; one `dedupe_key`, one message; an attempt is committed before
its carrier is asked and its receipt noted whenever it comes; a dead address alarms the desk once; nothing pretends:
without a carrier in production a message fails and raises an alarm.
"""

from .addresses import note_stop, subscribe, unsubscribe
from .carriers import AddressDead, CarrierRefused, Carriers, CarrierUnavailable, SpokenCall, carriers_from, vapid_key
from .carriers.ports import Reply, Runs
from .carriers.web_push import VapidKey, can_seal, known_service, padless
from .inbox import Answers, Inbox
from .models import Channel, MessageState, Urgency
from .policy import set_wishes
from .queries import (
    MessageRow,
    dead_addresses,
    devices_of,
    last_case_told,
    live_subscriptions,
    recent_messages,
    wishes,
)
from .rules import Meaning, meaning_of
from .service import Person, mark_read, send_email, send_sms, settle, tell
from .words import template, wording

__all__ = [
    "AddressDead",
    "Answers",
    "CarrierRefused",
    "CarrierUnavailable",
    "Carriers",
    "Channel",
    "Inbox",
    "Meaning",
    "MessageRow",
    "MessageState",
    "Person",
    "Reply",
    "Runs",
    "SpokenCall",
    "Urgency",
    "VapidKey",
    "can_seal",
    "carriers_from",
    "dead_addresses",
    "devices_of",
    "known_service",
    "last_case_told",
    "live_subscriptions",
    "mark_read",
    "meaning_of",
    "note_stop",
    "padless",
    "recent_messages",
    "send_email",
    "send_sms",
    "set_wishes",
    "settle",
    "subscribe",
    "tell",
    "template",
    "unsubscribe",
    "vapid_key",
    "wishes",
    "wording",
]
