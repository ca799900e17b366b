"""Screens of a real browser, watched: an error in the console, something that the content security policy refused, a
request to another host or a failed request is a trouble."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Page, Request, Response

CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
DESK = {"viewport": {"width": 1280, "height": 860}}


@dataclass
class Screen:
    """One tab of somebody, watched."""

    context: BrowserContext
    page: Page
    host: str
    status: int = 0
    troubles: list[str] = field(default_factory=list)
    forgiven: tuple[str, ...] = ("htmx:sendAbort", "htmx:afterRequest")  # an answer overtaken by the next one

    async def go(self, path: str) -> Page:
        answer = await self.page.goto(f"http://{self.host}{path}")
        self.status = answer.status if answer else 0
        return self.page

    def forgives(self, *words: str) -> None:
        """Troubles that hold one of these words are expected."""
        self.forgiven += words

    def is_clean(self) -> None:
        left = [trouble for trouble in self.troubles if not any(words in trouble for words in self.forgiven)]
        assert not left, "\n".join(left)

    def watch(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.troubles.append(f"{self.page.url}: {error}"))
        self.page.on("request", self._request)
        self.page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        # a failed request is told by _response, which knows whether the page itself was asked for
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.troubles.append(f"{self.page.url}: console: {message.text}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self.host:
            self.troubles.append(f"{self.page.url}: asks {parts.netloc}")

    def _response(self, response: Response) -> None:
        if response.status >= (500 if response.request.is_navigation_request() else 400):
            self.troubles.append(f"{response.url}: {response.status}")
