"""A phone company that lives in a test or in the demo and speaks to the real webhooks over real HTTP.

It signs its requests, obeys the TwiML that comes back, and rings scripted phones:

    company = PhoneCompany(client, public_url=…, token=…, clock=…)
    ana = company.phone("Ana", "+33611111111")
    ana.rings().presses("1")
    call = await company.calls("+33699999999", "+33232402727")
    await call.presses("1")            # the caller answers the menu
    assert call.talks_to is ana
    await call.hangs_up()
    company.is_quiet()                 # nothing expected is left, nothing unexpected happened

A number that rings without having been told to is an `UnexpectedCall`, a document this company cannot read a
`BadDocument`: both fail the test. Time passes on the clock that is given (a `MovableClock` in the same process, a
`SharedClock` for a server), never on the wall. `on_ring` may decide what a phone does, call by call.
"""

from maillage_kit.testing.phone_company.caller import CallPhase, LiveCall
from maillage_kit.testing.phone_company.company import (
    MASKED,
    STATUS_PATH,
    VOICE_PATH,
    Clock,
    Misbehaviour,
    PhoneCompany,
    Webhook,
    WebhookFailed,
)
from maillage_kit.testing.phone_company.documents import BadDocument
from maillage_kit.testing.phone_company.phones import People, Phone, Ring, UnexpectedCall

__all__ = [
    "MASKED",
    "STATUS_PATH",
    "VOICE_PATH",
    "BadDocument",
    "CallPhase",
    "Clock",
    "LiveCall",
    "Misbehaviour",
    "People",
    "Phone",
    "PhoneCompany",
    "Ring",
    "UnexpectedCall",
    "Webhook",
    "WebhookFailed",
]
