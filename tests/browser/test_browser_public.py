"""The public form on a phone, and everything that must work without JavaScript."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from maillage_kit.permissions import Role

pytestmark = pytest.mark.asyncio(loop_scope="session")
OFFICE_EMAIL = "permanence@eure.example"
ANSWERS = {
    "danger": "none", "problem": "leak", "flow": "burst", "shut_off": "no", "pipe_owner": "private",
    "wet_electricity": "no", "neighbour_hit": "no", "vulnerable": "no",
}  # fmt: skip


async def answer(page: Page, question: str, value: str) -> None:
    await page.locator(f"label.check:has(input[name=q_{question}][value={value}])").tap()
    await expect(page.locator(f"input[name=q_{question}][value={value}]")).to_be_checked()


async def test_from_the_questions_to_the_tracking_page(world: Any, open_screen: Any, phone_device: Any) -> None:
    colleague, _ = await world.on_call()
    screen = await open_screen(device=phone_device)
    page = await screen.go(f"{world.public}/")
    await page.get_by_role("link", name="Plomberie").tap()
    await expect(page.get_by_role("heading", level=1, name="Demander un dépannage")).to_be_visible()
    for question, value in ANSWERS.items():
        await answer(page, question, value)
    await expect(page.locator("#triage")).to_contain_text("Fuite")
    await page.get_by_label("Adresse, étage, porte").fill("8, rue des Carmes")
    await page.get_by_label("Commune ou code postal").press_sequentially("pont audemer")
    await page.locator("#communes").get_by_text("Pont-Audemer", exact=False).first.tap()
    await page.get_by_label("Votre nom").fill("Jeanne Hervieu")
    await page.get_by_label("Votre téléphone").fill("01 99 00 98 70")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    await page.get_by_role("button", name="Envoyer ma demande").tap()
    await page.wait_for_url("**/suivi/*")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Nous cherchons un artisan")
    await expect(page.get_by_text("8, rue des Carmes, Pont-Audemer")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    offered = await world.rows(
        "select o.technician_id from offer o join intervention i on i.id = o.intervention_id "
        "where i.caller_name = 'Jeanne Hervieu' and o.offered_at is not null"
    )
    assert [row["technician_id"] for row in offered] == [colleague.technician_id]


async def test_a_smell_of_gas_shows_what_saves_and_sends_nobody(
    world: Any, open_screen: Any, phone_device: Any
) -> None:
    """R86, R87."""
    before = await world.value("select count(*) from offer")
    screen = await open_screen(device=phone_device)
    page = await screen.go(f"{world.public}/demande?metier=plumbing")
    await answer(page, "danger", "gas_smell")
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("Ouvrez les fenêtres")
    rings = alert.get_by_role("link", name="0 800 47 33 33")
    assert await rings.get_attribute("href") == "tel:0800473333"
    await expect(page.locator("input[name=q_problem]")).to_have_count(0)
    await page.get_by_role("button", name="Envoyer ma demande").tap()
    await expect(page.get_by_text("Aucun artisan n’est envoyé")).to_be_visible()
    assert await world.value("select count(*) from offer") == before


async def test_a_mistake_keeps_what_was_typed(world: Any, open_screen: Any, phone_device: Any) -> None:
    """Values stay, the error is announced and takes the focus, its link goes to the field."""
    screen = await open_screen(device=phone_device)
    page = await screen.go(f"{world.public}/demande?metier=plumbing")
    for question, value in ANSWERS.items():
        await answer(page, question, value)
    await page.get_by_label("Votre nom").fill("Zoé Delamare")
    await page.get_by_label("Votre téléphone").fill("12")
    await page.get_by_label("Adresse, étage, porte").fill("1, place du Vieux-Marché")
    await page.get_by_role("button", name="Envoyer ma demande").tap()
    summary = page.get_by_role("alert").filter(has_text="informations sont à corriger")
    await expect(summary).to_be_focused()
    await expect(page.get_by_label("Votre nom")).to_have_value("Zoé Delamare")
    await expect(page.get_by_label("Votre téléphone")).to_have_value("12")
    await expect(page.locator("input[name=q_flow][value=burst]")).to_be_checked()
    wrong = page.get_by_label("Votre téléphone")
    await expect(wrong).to_have_attribute("aria-invalid", "true")
    described = await wrong.get_attribute("aria-describedby")
    assert described is not None
    assert "Erreur" in await page.locator(f"#{described.split()[-1]}").inner_text()
    await summary.get_by_role("link", name="numéro").tap()
    await expect(wrong).to_be_focused()


async def test_a_commune_once_chosen_is_not_taken_back_by_a_late_answer(world: Any, open_screen: Any) -> None:
    desk = await open_screen(Role.MANAGER)
    page = await desk.go(f"{world.base}/desk/new")
    words = page.get_by_label("Commune", exact=True)
    await words.press_sequentially("2750")
    choice = page.locator("#communes").get_by_label("Pont-Audemer 27500", exact=True)
    await expect(choice).to_be_visible()
    chosen = asyncio.Event()

    async def late(route: Route) -> None:
        answer = await route.fetch()
        await chosen.wait()
        await route.fulfill(response=answer)

    await page.route("**/desk/new/communes?*", late)
    async with page.expect_response("**/desk/new/communes?*"):
        async with page.expect_request("**/desk/new/communes?*"):
            await words.press_sequentially("0")
        await page.locator("#communes").get_by_text("Pont-Audemer", exact=False).first.click()
        chosen.set()
    await expect(page.locator(".htmx-request")).to_have_count(0)
    await expect(choice).to_be_checked()
    await words.press_sequentially(" tou")
    await expect(choice).to_have_count(0)


async def test_pressing_twice_opens_one_case_and_destroying_asks_first(world: Any, open_screen: Any) -> None:
    desk = await open_screen(Role.MANAGER)
    page = await desk.go(f"{world.base}/desk/new")
    await page.locator("label.check:has(input[name=trade][value=plumbing])").click()
    for question, value in ANSWERS.items():
        await page.locator(f"label.check:has(input[name=q_{question}][value={value}])").click()
    await page.get_by_label("Nom de l’appelant").fill("Monsieur Deux-Fois")
    await page.get_by_label("Téléphone de rappel").fill("01 99 00 98 71")
    await page.get_by_label("Adresse, étage, accès").fill("2, rue Haute")
    await page.get_by_label("Commune", exact=True).press_sequentially("27500 pont audemer")
    await page.locator("#communes").get_by_text("Pont-Audemer").first.click()
    await page.get_by_role("button", name="Ouvrir seulement").dblclick()
    await page.wait_for_url("**/cases/*")
    assert await world.value("select count(*) from intervention where caller_name = 'Monsieur Deux-Fois'") == 1

    colleague, _ = await world.on_call()
    case_id = await world.asks("Madame Refus")
    phone = await open_screen(Role.MEMBER, colleague)
    page = await phone.go(f"{world.base}/field/cases/{case_id}")
    await page.get_by_text("Je ne peux pas").first.click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Le suivant sera prévenu tout de suite.")
    await dialog.get_by_role("button", name="Revenir").click()
    mine = "select state from offer where intervention_id = :case and technician_id = :mine"
    asked = {"case": case_id, "mine": colleague.technician_id}
    assert await world.value(mine, **asked) == "pending"
    await page.get_by_text("Je ne peux pas").first.click()
    await page.get_by_role("dialog").get_by_role("button", name="Je ne peux pas").click()
    await expect(page.get_by_role("heading", level=1, name="Mes interventions")).to_be_visible()
    assert await world.value(mine, **asked) == "declined"


async def test_without_javascript(world: Any, open_screen: Any, phone_device: Any) -> None:
    """Sign-in, the desk's list, and the public form, question by question."""
    plain = {**phone_device, "java_script_enabled": False}
    screen, mailbox = await open_screen(device=plain), await open_screen()
    page = await screen.go(f"{world.public}/demande?metier=plumbing")
    await page.get_by_label("Votre nom").fill("Sans Script")
    await page.get_by_label("Votre téléphone").fill("01 99 00 98 72")
    await page.get_by_label("Adresse, étage, porte").fill("5, rue Basse")
    await page.get_by_label("Commune ou code postal").fill("27500 Pont-Audemer")
    for _ in range(8):
        for question, value in ANSWERS.items():
            asked = page.locator(f"input[name=q_{question}][value={value}]")
            if await asked.count():
                await asked.check()
        if await page.locator("input[name=insee]").count():
            await page.get_by_label("Pont-Audemer 27500", exact=True).check()
        async with page.expect_navigation():
            await page.get_by_role("button", name="Envoyer ma demande").tap()
        if "/suivi/" in page.url:
            break
    await expect(page.get_by_role("heading", level=1)).to_have_text("Nous cherchons un artisan")

    await page.goto(f"{world.url}/signin")
    await page.get_by_label("Adresse e-mail").fill(OFFICE_EMAIL)
    await page.get_by_role("button", name="Recevoir mon lien").tap()
    await expect(page.get_by_role("heading", name="Consultez votre messagerie")).to_be_visible()
    letters = await mailbox.go("/dev/mailbox")
    link = await letters.locator("article", has_text=OFFICE_EMAIL).get_by_role("link").get_attribute("href")
    assert link is not None
    await page.goto(link)
    await page.get_by_role("button", name="Entrer", exact=True).tap()
    await expect(page.get_by_role("heading", level=1, name="Tableau de bord")).to_be_visible()
    await expect(page.locator(".board__case", has_text="Sans Script")).to_be_visible()
    await screen.go(f"{world.base}/cases")
    await expect(page.get_by_role("table").get_by_text("Sans Script")).to_be_visible()
