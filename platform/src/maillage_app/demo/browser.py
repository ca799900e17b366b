"""Somebody at a browser: signs in with a one-time link, reads pages, presses only what the page shows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import httpx

from maillage_kit.web import FLASH_COOKIE

_ACTION = re.compile(r'(?:action|hx-post|formaction)="([^"]+)"')
_CSRF_COOKIE = "maillage_csrf"


class Refused(AssertionError):
    """A page did not show what was looked for, or the application said no; the message says which and why."""


@dataclass
class Person:
    """One signed-in person. `page` is what is on the screen."""

    client: httpx.AsyncClient
    name: str
    page: str = ""
    path: str = ""

    def tab(self) -> "Person":
        """Another page of the same browser: what happens there does not change what is on this screen."""
        return Person(self.client, self.name)

    async def sign_in(self, link: str) -> None:
        """Open a one-time link and confirm. Raises Refused."""
        await self.open(urlsplit(link).path)
        await self.press(urlsplit(link).path, read=False)

    async def open(self, path: str) -> str:
        """Read a page, following redirects. Raises Refused when it is not a page."""
        answer = await self.client.get(path, headers={"accept": "text/html"}, follow_redirects=True)
        if answer.status_code != 200:
            raise Refused(f"{self.name} : {path} répond {answer.status_code}")
        self.page, self.path = answer.text, answer.url.path
        return self.page

    def shows(self, path: str) -> bool:
        """Whether the page has a form that posts there."""
        return path in {urlsplit(action).path for action in _ACTION.findall(self.page)}

    def finds(self, pattern: str) -> str:
        """The first group of a pattern in the page, empty when it is not there."""
        found = re.search(pattern, self.page)
        return found[1] if found else ""

    async def press(
        self,
        path: str,
        form: Mapping[str, str] | None = None,
        *,
        photos: Mapping[str, bytes] | None = None,
        read: bool = True,
    ) -> None:
        """Send a form that the page shows, then read the page it leads to; `read=False`: somebody in a hurry does not.

        `photos`: PNG pictures by field.
        Raises Refused when the page was read and has no such form, when the answer is an error, or when it says no.
        """
        if self.page and not self.shows(path):
            raise Refused(f"{self.name} : la page {self.path} ne propose pas {path}")
        token = self.client.cookies.get(_CSRF_COOKIE) or ""
        answer = await self.client.post(
            path,
            data=dict(form or {}),
            files={name: ("photo.png", content, "image/png") for name, content in (photos or {}).items()} or None,
            headers={"accept": "text/html", "x-csrftoken": token},
        )
        if answer.status_code != 303:
            raise Refused(f"{self.name} : {path} répond {answer.status_code} {_words(answer.text)}")
        tone, _, said = unquote(answer.cookies.get(FLASH_COOKIE) or "").partition("|")
        if tone == "danger":
            raise Refused(f"{self.name} : {path} : {said}")
        self.page = ""
        if read:
            await self.open(answer.headers["location"])


def _words(page: str) -> str:
    """The words of an error page, without its markup."""
    body = re.sub(r"(?s)<(script|style|head|nav)\b.*?</\1>", " ", page)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())[:300]
