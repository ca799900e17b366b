"""Who a person is and which hat they wear; sign-in by one-time link. One interface (`service`) hides how."""

from maillage_platform.identity.links import make_link
from maillage_platform.identity.mailing import send_mail, send_waiting_letters
from maillage_platform.identity.service import (
    SESSION_LIFE,
    actor_of,
    add_account,
    add_membership,
    close_session,
    open_session,
)

__all__ = [
    "SESSION_LIFE",
    "actor_of",
    "add_account",
    "add_membership",
    "close_session",
    "make_link",
    "open_session",
    "send_mail",
    "send_waiting_letters",
]
