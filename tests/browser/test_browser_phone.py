"""The fictitious phone company in a real browser: one whole call, and the office's pages of the telephone."""

from typing import Any

import pytest
from playwright.async_api import expect

from maillage_kit.permissions import Role
from maillage_kit.testing.sounds import wav

pytestmark = pytest.mark.asyncio(loop_scope="session")
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


@pytest.mark.parametrize("width", ["desk", "phone"])
async def test_a_whole_call_is_played_in_the_browser(world: Any, open_screen: Any, width: str) -> None:
    """Dialled, asked, rung, accepted, talked, hung up; the page follows by itself."""
    colleague, _ = await world.on_call()
    screen = await (open_screen() if width == "desk" else open_screen(device=PHONE))
    page = await screen.go("/dev/phone")
    await page.get_by_label("Coopérative appelée").select_option(label=world.cooperative.name)
    await page.get_by_label("Numéro de l’appelant").fill("01 99 00 99 71" if width == "desk" else "01 99 00 99 72")
    await page.get_by_role("button", name="Appeler", exact=True).click()
    caller = page.locator("#caller")
    await expect(caller).to_contain_text("Si vous sentez le gaz")
    await caller.get_by_role("button", name="1", exact=True).click()
    await expect(caller).to_contain_text("Tapez les cinq chiffres du code postal")
    await caller.get_by_label("Plusieurs touches à la suite").fill("27500")
    await caller.get_by_role("button", name="Taper", exact=True).click()
    artisan = page.locator("section", has=page.get_by_role("heading", name=colleague.name))
    await expect(artisan).to_contain_text("sonne")
    await artisan.get_by_role("button", name="Décrocher").click()
    await expect(artisan).to_contain_text("Tapez 1 pour accepter")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await artisan.get_by_role("button", name="Taper 1").click()
    await expect(caller).to_contain_text(f"en ligne avec {colleague.name}")
    await caller.get_by_role("button", name="L’appelant raccroche").click()
    await expect(caller).to_contain_text("raccroché")
    await expect(page.get_by_role("button", name="L’appelant raccroche")).to_have_count(0)
    outcome = await world.value(
        "select outcome from call where caller = :c", c=f"+33{'199009971' if width == 'desk' else '199009972'}"
    )
    assert outcome == "accepted"


async def test_the_office_gives_the_switchboard_its_voice(world: Any, open_screen: Any) -> None:
    """Sent, heard, replaced by the synthetic voice again; a sound that cannot be used says why."""
    screen = await open_screen(Role.MANAGER)
    screen.forgives("422")
    page = await screen.go(f"{world.base}/telephony/prompts")
    card = page.locator("#prompt-hold_on")
    await card.get_by_text("Envoyer un enregistrement").click()
    await card.get_by_label("Fichier WAV").set_input_files(
        {"name": "phrase.wav", "mimeType": "audio/wav", "buffer": wav(1, rate=44100)}
    )
    await card.get_by_role("button", name="Envoyer").click()
    await expect(card).to_contain_text("8 000 ou 16 000 Hz")
    await card.get_by_label("Fichier WAV").set_input_files(
        {"name": "phrase.wav", "mimeType": "audio/wav", "buffer": wav(1)}
    )
    await card.get_by_role("button", name="Envoyer").click()
    await expect(card).to_contain_text("votre voix")
    seconds = await card.locator("audio").evaluate(
        "(a) => new Promise((ok, no) => { a.onloadedmetadata = () => ok(a.duration); a.onerror = no; a.load(); "
        "a.preload = 'metadata'; a.load(); })"
    )
    assert seconds == 1
    await card.get_by_role("button", name="Revenir à la synthèse").click()
    await expect(card).to_contain_text("synthèse")
