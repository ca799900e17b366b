"""Interventions: the case file of an emergency repair, from request to closing.

One transition table (`rules.TRANSITIONS`); clocks T0–T9 written once (R88); promises computed once at qualification and
stored; only a closed list of reasons stops the clock (R20); no work without a signed quote or a written danger (R4,
R6); a red situation is redirected without dispatch and without clock (R87); one winner per case, held by the database.
"""

from .models import Attachment, Clock, Hold, HoldReason, Intervention, Lead, Offer, OfferState, Source, State
from .rules import WorkAuthority
from .service.opening import CaseRef, NewCase, issue_public_token, open_case, record_acceptance
from .service.story import add_event, stamp

__all__ = [
    "Attachment",
    "CaseRef",
    "Clock",
    "Hold",
    "HoldReason",
    "Intervention",
    "Lead",
    "NewCase",
    "Offer",
    "OfferState",
    "Source",
    "State",
    "WorkAuthority",
    "add_event",
    "issue_public_token",
    "open_case",
    "record_acceptance",
    "stamp",
]
