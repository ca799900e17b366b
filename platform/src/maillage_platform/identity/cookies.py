"""The cookies of sign-in. Over https they are `__Host-` cookies: secure, for this host alone, for every path."""

from datetime import timedelta

from litestar.datastructures import Cookie

from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest

_BROWSER = "maillage_browser"
_SESSION = "maillage_session"


def browser_secret(request: AnyRequest, settings: Settings) -> str:
    """The secret that ties an attempt to the browser that began it; empty when it began none."""
    return request.cookies.get(cookie_name(settings, _BROWSER), "")


def browser_cookie(settings: Settings, secret: str, *, life: timedelta) -> Cookie:
    return sign_in_cookie(settings, _BROWSER, secret, life=life)


def session_cookie_name(settings: Settings) -> str:
    return cookie_name(settings, _SESSION)


def session_cookie(settings: Settings, secret: str, *, life: timedelta) -> Cookie:
    return sign_in_cookie(settings, _SESSION, secret, life=life)


def forgotten_session(settings: Settings) -> Cookie:
    """Makes the browser forget the session cookie."""
    return sign_in_cookie(settings, _SESSION, "", life=timedelta(0))


def cookie_name(settings: Settings, name: str) -> str:
    """`__Host-` needs https: browsers refuse it elsewhere."""
    return f"__Host-{name}" if is_https(settings) else name


def sign_in_cookie(settings: Settings, name: str, value: str, *, life: timedelta) -> Cookie:
    """Unreadable by scripts, not sent with requests that other sites make, except when somebody follows a link."""
    return Cookie(
        cookie_name(settings, name),
        value=value,
        path="/",
        httponly=True,
        secure=is_https(settings),
        samesite="lax",
        max_age=int(life.total_seconds()),
    )


def is_https(settings: Settings) -> bool:
    return settings.web.public_url.startswith("https://")
