"""Passkeys with Chromium's own authenticator: made on a phone, shown at the next sign-in, refused without a finger."""

import re
from typing import Any

import pytest
from playwright.async_api import expect

from maillage_kit.permissions import Role

pytestmark = pytest.mark.asyncio(loop_scope="session")
INTERNAL = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


async def test_an_artisan_makes_a_key_and_enters_with_it(world: Any, open_screen: Any) -> None:
    artisan, _ = await world.on_call()
    hat = Role.MEMBER if artisan.owns else Role.TECHNICIAN
    phone = await open_screen(
        hat, artisan, {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
    )
    page = await phone.go("/account/passkeys")
    tools = await phone.context.new_cdp_session(page)
    await tools.send("WebAuthn.enable")
    device = (await tools.send("WebAuthn.addVirtualAuthenticator", {"options": INTERNAL}))["authenticatorId"]

    await page.get_by_role("button", name="Créer une clé d’accès").click()
    await expect(page.get_by_role("button", name="Créer dix codes")).to_be_visible()
    kept = (await tools.send("WebAuthn.getCredentials", {"authenticatorId": device}))["credentials"]
    assert [(each["rpId"], each["isResidentCredential"]) for each in kept] == [("localhost", True)]
    await page.get_by_role("button", name="Créer dix codes").click()
    await expect(page.locator("ol code")).to_have_count(10)
    await page.get_by_role("link", name="C’est noté").click()
    await expect(page.get_by_text("Il vous en reste 10.")).to_be_visible()
    await page.get_by_role("link", name="Mes connexions").click()
    await expect(page.get_by_role("heading", name="Mes connexions")).to_be_visible()

    # another day
    await phone.context.clear_cookies()
    await phone.go("/signin")
    ask = page.get_by_role("button", name="Entrer avec ma clé d’accès")
    finger = {"authenticatorId": device, "isUserVerified": False}
    await tools.send("WebAuthn.setUserVerified", finger)
    await ask.click()
    await expect(page.get_by_role("alert")).to_contain_text("Rien n’a été confirmé sur votre appareil")
    await tools.send("WebAuthn.setUserVerified", {**finger, "isUserVerified": True})
    await ask.click()
    await page.wait_for_url(re.compile(r"/c/\w+/field$|/account/hats$"))
    if page.url.endswith("/account/hats"):  # another test of this world gave him a second one: he is asked which
        await page.get_by_role("link", name=re.compile("^Continuer comme")).click()
        await page.wait_for_url(re.compile(r"/c/\w+/field$"))
    (used,) = (await tools.send("WebAuthn.getCredentials", {"authenticatorId": device}))["credentials"]
    assert used["signCount"] > kept[0]["signCount"]

    # the same phone is told that it has a key already
    await phone.go("/account/passkeys")
    await page.get_by_role("button", name="Créer une clé d’accès").click()
    await expect(page.get_by_role("alert")).to_contain_text("déjà une clé")


async def test_a_desk_switches_its_sessions_off(world: Any, open_screen: Any) -> None:
    """« Mes connexions » from the menu, with its question before everything is closed."""
    desk = await open_screen(Role.MANAGER)
    other = await open_screen(Role.MANAGER)
    page = await desk.go(f"{world.base}/desk")
    await page.locator(".user-menu summary").click()
    await page.get_by_role("link", name="Mes connexions").click()
    await page.locator("summary", has_text="Déconnecter mes autres appareils").click()
    await page.get_by_role("dialog").get_by_role("button", name="Déconnecter mes autres appareils").click()
    await expect(page.get_by_text("Tous vos autres appareils sont déconnectés.")).to_be_visible()
    gone = await other.go(f"{world.base}/desk")
    await expect(gone).to_have_url(re.compile("/signin"))
