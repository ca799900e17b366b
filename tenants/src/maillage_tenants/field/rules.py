"""What the artisan may see and does next. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from maillage_tenants.interventions import Clock, State

NOTES_AFTER_CLOSING = timedelta(hours=24)


def may_read_access_notes(
    state: State, *, clocks: Mapping[Clock, datetime], closed_at: datetime | None, at: datetime
) -> bool:
    """R72: door codes are shown from acceptance to closing + 24 h, half-open; never before, never for a case lost."""
    if Clock.ACCEPTED not in clocks or state in (State.REQUESTED, State.OFFERED, State.CANCELLED, State.REDIRECTED):
        return False
    return closed_at is None or at < closed_at + NOTES_AFTER_CLOSING


NEXT: Mapping[State, tuple[str, str, str]] = {
    State.ACCEPTED: ("depart", "Je pars", "truck"),
    State.EN_ROUTE: ("arrive", "Je suis arrivé", "map-pin"),
}
"""The one big button of a state: step, words, icon. On site the quote decides what comes next."""
