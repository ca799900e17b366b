"""A case in the words of partners: which rows make each status, which lines of the story a partner reads. Pure."""

from collections.abc import Mapping
from enum import StrEnum

from maillage_tenants.interventions.models import HoldReason, State
from maillage_tenants.interventions.rules import public_status


class Status(StrEnum):
    """Le vocabulaire des bailleurs. / The vocabulary of landlords: the only one that partners read."""

    REQUESTED = "open/requested"
    ACKNOWLEDGED = "open/acknowledged"
    PLANNED = "open/planned"
    REPLANNED = "pending/replanned"
    OCCUPANT_ABSENT = "hold/occupant_absent"
    DONE = "closed/done"
    PARTIAL_REPAIR = "closed/partial_repair"
    CANCELED = "denied/canceled"


OPEN_STATES = tuple(state for state in State if public_status(state).startswith(("open/", "pending/", "hold/")))
"""What a partner still waits for; nothing else ends in `closed/` or `denied/` later."""

ABSENT = tuple(
    reason for reason in HoldReason if public_status(State.ON_HOLD, hold_reason=reason) == Status.OCCUPANT_ABSENT
)

PARTNER_KINDS: Mapping[str, str] = {
    "opened": "requested",
    "qualified": "qualified",
    "requalified": "qualified",
    "price_accepted": "price_accepted",
    "accepted": "acknowledged",
    "departed": "departed",
    "arrived": "arrived",
    "danger_immediat": "danger",
    "made_safe": "made_safe",
    "held": "held",
    "resumed": "resumed",
    "quote_sent": "quote_sent",
    "quote_signed": "quote_signed",
    "quote_refused": "quote_refused",
    "partial": "partial_repair",
    "finished": "finished",
    "attachment": "document_added",
    "follow_up": "second_visit",
    "partner_order": "order",
    "redirected": "redirected",
    "cancelled": "canceled",
    "closed": "closed",
}
"""Lines of the story that a partner reads, and their code outside. Who was asked and could not come stays inside."""


def states_of(status: Status) -> tuple[State, ...]:
    """The states that a status is made of, whole or in part: pauses and closed cases have two statuses each."""
    return tuple(
        state
        for state in State
        if status
        in {
            public_status(state, hold_reason=reason, was_partial=partial)
            for reason in (None, *HoldReason)
            for partial in (False, True)
        }
    )
