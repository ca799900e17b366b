"""An application of a partner, in Chromium: added on a phone, allowed by somebody who is then led back to it."""

import http.server
import re
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.async_api import expect

from maillage_kit.permissions import Role

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Partner(http.server.BaseHTTPRequestHandler):
    """The partner's site: whatever it is asked, it thanks."""

    def do_GET(self) -> None:
        body = b"<!doctype html><html lang=fr><title>Partenaire</title><h1>Merci</h1>"
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def partner() -> Iterator[str]:
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Partner)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()
    thread.join()


async def test_an_application_is_added_and_allowed(world: Any, open_screen: Any, partner: str) -> None:
    """The policy of the consent page lets its form lead to the partner, whom no other page may reach."""
    device = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
    screen = await open_screen(Role.MANAGER, None, device)
    screen.forgives(f"asks {urlsplit(partner).netloc}")
    page = await screen.go(f"{world.base}/settings/api-clients")
    await page.get_by_role("link", name="Ajouter une application").click()
    await page.get_by_label("Nom de l’application").fill("Habitat 27")
    await page.get_by_text("Suivre les interventions").click()
    await page.get_by_text("Pour une personne de la gérance").click()
    await page.get_by_role("button", name="Ajouter").click()
    await expect(page.get_by_text("au moins une adresse de retour").first).to_be_visible()  # and the rest is kept
    await expect(page.get_by_label("Nom de l’application")).to_have_value("Habitat 27")
    await page.get_by_label("Adresses de retour").fill(f"{partner}/retour")
    await page.get_by_role("button", name="Ajouter").click()
    await expect(page.get_by_text("Copiez-le maintenant")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    await page.get_by_role("link", name="C’est copié").click()
    await page.wait_for_url(re.compile(r"/settings/api-clients/[0-9a-f-]{36}$"))
    client_id = page.url.rsplit("/", 1)[-1]

    wanted = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": f"{partner}/retour",
        "state": "au-hasard",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
    }
    await screen.go(f"/oauth/authorize?{urlencode(wanted)}")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Autoriser « Habitat 27 » ?")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    await page.get_by_role("button", name="Autoriser").click()
    await expect(page.get_by_role("heading")).to_have_text("Merci")
    brought = parse_qs(urlsplit(page.url).query)
    assert (set(brought), brought["state"]) == ({"code", "state", "iss"}, ["au-hasard"])

    await screen.go(f"{world.base}/settings/api-clients/{client_id}")
    await expect(page.get_by_text("Retirer cette autorisation").first).to_be_visible()
    await page.locator("summary", has_text="Retirer cette autorisation").click()
    await page.get_by_role("dialog").get_by_role("button", name="Retirer cette autorisation").click()
    await expect(page.get_by_text("Personne pour l’instant.")).to_be_visible()
    await page.locator("summary", has_text="Révoquer cette application").click()
    await page.get_by_role("dialog").get_by_role("button", name="Révoquer cette application").click()
    await expect(page.get_by_text("« Habitat 27 » n’a plus accès à rien.")).to_be_visible()


async def test_without_javascript(world: Any, open_screen: Any, partner: str) -> None:
    screen = await open_screen(Role.MANAGER, java_script_enabled=False)
    screen.forgives(f"asks {urlsplit(partner).netloc}")
    client_id = await world.api_client(f"{partner}/retour")
    wanted = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": f"{partner}/retour",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
    }
    page = await screen.go(f"/oauth/authorize?{urlencode(wanted)}")
    await page.get_by_role("button", name="Refuser").click()
    await expect(page.get_by_role("heading")).to_have_text("Merci")
    assert parse_qs(urlsplit(page.url).query)["error"] == ["access_denied"]
