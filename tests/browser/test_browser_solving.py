"""A search of the rota seen live: figures come by themselves, stopping keeps the best plan, nothing is too wide."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from maillage_kit.permissions import Role

pytestmark = pytest.mark.asyncio(loop_scope="session")
TOO_WIDE = """() => [...document.querySelectorAll('.card table')]
  .filter((table) => table.getBoundingClientRect().right > table.closest('.card').getBoundingClientRect().right + 1)
  .map((table) => table.caption.innerText)
  .concat(document.documentElement.scrollWidth > innerWidth ? ['page'] : [])"""


async def fits(page: Page) -> None:
    for width in (1280, 360):
        await page.set_viewport_size({"width": width, "height": 800})
        assert await page.evaluate(TOO_WIDE) == [], width
    await page.set_viewport_size({"width": 1280, "height": 860})


async def test_a_search_is_watched_live_and_stopped(world: Any, open_screen: Any) -> None:
    screen = await open_screen(Role.MANAGER)
    page = await screen.go(f"{world.base}/rota/drafts?semester=2027-S2")
    await page.get_by_label("Temps de recherche").select_option("600")
    await page.get_by_label("Nom").fill("Vu en direct")
    await page.get_by_role("button", name="Lancer le calcul").click()
    await expect(page.get_by_text("En attente").or_(page.get_by_text("En cours"))).to_be_visible()
    # No reload: the worker's news bring the figures.
    await expect(page.get_by_text("Places tenues")).to_be_visible(timeout=150_000)
    await fits(page)
    await page.get_by_role("button", name="Arrêter et garder le meilleur").click()
    await expect(page.get_by_role("link", name="Ouvrir le brouillon")).to_be_visible(timeout=90_000)
    await fits(page)
    await page.get_by_role("link", name="Ouvrir le brouillon").click()
    await expect(page.get_by_role("heading", level=1, name="Astreintes")).to_be_visible()
    found = await world.value("select rota_id from solve_run where label = 'Vu en direct'")
    both = f"{world.base}/rota/compare?semester=2027-S2&one={found}&other={found}"
    await fits(await screen.go(f"{both}&show=people"))
    await expect(page.get_by_text("Qui fait combien")).to_be_visible()
    await screen.go(both)
    await expect(page.get_by_text("Aucune différence")).to_be_visible()
    await fits(await screen.go(f"{world.base}/rota/fairness?semester=2027-S2&kind=sunday"))
