"""Who a person is and which hat they wear: accounts, sign-in by link, identity provider or passkey, sessions."""

from maillage_platform.identity.cookies import cookie_name, is_https, onwards_cookie, session_cookie_name
from maillage_platform.identity.links import make_link
from maillage_platform.identity.mailing import send_mail, send_waiting_letters
from maillage_platform.identity.openid_client import OpenIdClient
from maillage_platform.identity.people import emails_of
from maillage_platform.identity.places import Place
from maillage_platform.identity.rate_limit import Window, attempts, count_alone
from maillage_platform.identity.rules import limits_of
from maillage_platform.identity.service import add_account, add_membership
from maillage_platform.identity.sessions import actor_of, close_session, open_session
from maillage_platform.identity.sweeping import forget_old

__all__ = [
    "OpenIdClient",
    "Place",
    "Window",
    "actor_of",
    "add_account",
    "add_membership",
    "attempts",
    "close_session",
    "cookie_name",
    "count_alone",
    "emails_of",
    "forget_old",
    "is_https",
    "limits_of",
    "make_link",
    "onwards_cookie",
    "open_session",
    "send_mail",
    "send_waiting_letters",
    "session_cookie_name",
]
