"""Notifications in a real browser: the page's script offers them, the worker shows one and says so. Push services are
third parties: what they would bring is handed to the worker by the browser's own tools."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from maillage_app.app import CONTENT_SECURITY_POLICY
from maillage_app.web.templating import WEB
from maillage_kit.testing.http_server import Handler, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = """<!doctype html><html lang="fr"><head><meta name="csrf-token" content="jeton">
<script src="/static/push.js" defer></script></head><body>
<div data-push data-key="BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
data-url="/devices"><p data-push-state>Ce navigateur ne sait pas.</p><button data-push-on hidden>Activer</button></div>
</body></html>"""

ACTIVE = """navigator.serviceWorker.getRegistration('/static/').then((found) => new Promise((done) => {
  const worker = found.active || found.waiting || found.installing;
  const look = () => worker.state === 'activated' && done();
  worker.addEventListener('statechange', look); look();
}))"""


@dataclass
class Site:
    """The page with the product's own scripts and policy; what they post is kept."""

    url: str = ""
    posted: list[str] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    state = Site()

    class Pages(Handler):
        def do_GET(self) -> None:
            script = self.path.startswith("/static/")
            body = (WEB / self.path.lstrip("/")).read_bytes() if script else PAGE.encode()
            policy = ("Content-Security-Policy", CONTENT_SECURITY_POLICY)
            self.answer(200, body, [("Content-Type", self._kind()), policy])

        def _kind(self) -> str:
            kinds = {"js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
            return kinds.get(self.path.rpartition(".")[2], "text/html; charset=utf-8")

        def do_POST(self) -> None:
            state.posted.append(self.path)
            self.send_response(204)
            self.end_headers()

    with serving(Pages) as port:
        state.url = f"http://localhost:{port}"
        yield state


async def test_a_notification_is_shown_and_the_product_told(browser: Browser, site: Site) -> None:
    context = await browser.new_context(permissions=["notifications"])
    page = await context.new_page()
    troubles: list[str] = []
    page.on("console", lambda line: troubles.append(line.text) if line.type == "error" else None)
    tools = await context.new_cdp_session(page)
    known: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def registered(event: dict[str, Any]) -> None:
        for registration in event["registrations"]:
            if not known.done():
                known.set_result(registration["registrationId"])

    tools.on("ServiceWorker.workerRegistrationUpdated", registered)
    await tools.send("ServiceWorker.enable")
    await page.goto(site.url)
    await expect(page.locator("[data-push-state]")).to_have_text("Elles ne sont pas activées sur ce téléphone.")
    await expect(page.get_by_role("button", name="Activer")).to_be_visible()
    await page.evaluate(ACTIVE)
    told = {"title": "Dépannage Eure", "body": "Une intervention vous est proposée.", "url": "/x", "tag": "m1"}
    await tools.send(
        "ServiceWorker.deliverPushMessage",
        {
            "origin": site.url,
            "registrationId": await asyncio.wait_for(known, 5),
            "data": json.dumps({**told, "urgent": True, "receipt": "/telephony/messages/push/c/a/jeton"}),
        },
    )
    async with asyncio.timeout(10):
        while not site.posted:
            await asyncio.sleep(0.02)
    assert site.posted == ["/telephony/messages/push/c/a/jeton"]
    shown = await page.evaluate(
        "navigator.serviceWorker.getRegistration('/static/').then((r) => r.getNotifications())"
        ".then((all) => all.map((n) => [n.title, n.body, n.tag, n.data.url, n.requireInteraction]))"
    )
    assert shown == [["Dépannage Eure", "Une intervention vous est proposée.", "m1", "/x", True]]
    assert troubles == []
    await context.close()


async def test_a_browser_that_blocks_them_is_told_how(browser: Browser, site: Site) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    await page.add_init_script("Object.defineProperty(Notification, 'permission', {get: () => 'denied'})")
    await page.goto(site.url)
    await expect(page.locator("[data-push-state]")).to_contain_text("autorisez-les dans ses réglages")
    await expect(page.get_by_role("button", name="Activer")).to_have_count(0)
    await context.close()
