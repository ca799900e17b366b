"""The cookies of sign-in. Over https they are `__Host-` cookies: secure, for this host alone, for every path."""

from datetime import timedelta
from urllib.parse import quote

from litestar.datastructures import Cookie

from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest

_BROWSER = "maillage_browser"
_SESSION = "maillage_session"
_ONWARDS = "maillage_onwards"
_RESUMABLE = "/oauth/authorize?"
_ONWARDS_LIFE = timedelta(minutes=15)


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


def onwards_cookie(settings: Settings, path: str = "") -> Cookie:
    """Where to go once signed in, in this browser, within a quarter of an hour; without a path, nowhere any more."""
    return sign_in_cookie(settings, _ONWARDS, quote(path), life=_ONWARDS_LIFE if path else timedelta(0))


def onwards(request: AnyRequest, settings: Settings, home: str) -> str:
    """Where somebody who has just signed in goes: on with the application that sent them here, else home."""
    path = request.cookies.get(cookie_name(settings, _ONWARDS), "")  # Litestar has unquoted it
    return path if path.startswith(_RESUMABLE) else home


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
