"""The desk is live: what happens on the telephone shows without anybody touching the page."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import expect

from maillage_kit.permissions import Role

pytestmark = pytest.mark.asyncio(loop_scope="session")
STRANGER, NOBODY_FOR = "+33199009991", "+33199009992"
PLUMBING = "1"


async def test_a_call_shows_then_who_took_it(world: Any, open_screen: Any) -> None:
    """Ringing, then accepted: two changes of the board, no reload."""
    colleague, phone = await world.on_call()
    desk = await open_screen(Role.MANAGER)
    page = await desk.go(f"{world.base}/desk")
    await page.evaluate("window.sameDocument = true")
    calls = page.get_by_role("table", name="Appels en cours")
    await expect(calls).to_have_count(0)

    picks_up = asyncio.Event()

    async def until_told(seconds: float) -> None:
        world.clock.advance(seconds=seconds)
        if calls_in_progress and calls_in_progress[-1].rung:
            await picks_up.wait()

    call = await world.company.calls(STRANGER, world.cooperative.public_number)
    calls_in_progress = world.company.calls_made
    await expect(calls.get_by_role("row", name="01 99 00 99 91")).to_contain_text("Menu")
    await call.presses(PLUMBING)
    phone.rings().presses("1")
    world.company.wait = until_told
    putting_through = asyncio.create_task(call.presses("27500"))
    await expect(calls.get_by_role("row", name="01 99 00 99 91")).to_contain_text(colleague.name)
    await expect(calls).to_contain_text("Sonne")

    picks_up.set()
    await putting_through
    world.company.wait = None
    assert call.talks_to is phone
    await expect(calls).to_contain_text("En ligne")
    case = page.get_by_role("region", name="En intervention").or_(page.locator(".board__case", has_text=colleague.name))
    await expect(case.first).to_be_visible()
    await call.hangs_up()
    await expect(calls).to_have_count(0)
    assert await page.evaluate("window.sameDocument") is True


async def test_a_missed_call_raises_an_alarm_that_somebody_takes(world: Any, open_screen: Any) -> None:
    desk = await open_screen(Role.MANAGER)
    page = await desk.go(f"{world.base}/desk")
    call = await world.company.calls(NOBODY_FOR, world.cooperative.public_number)
    await call.presses(PLUMBING)
    await call.presses("27500")
    alarm = page.locator(".alert", has_text="01 99 00 99 92")
    await expect(alarm).to_be_visible()
    await expect(
        page.locator(".card", has_text="À rappeler").get_by_role("link", name="01 99 00 99 92")
    ).to_be_visible()
    await alarm.get_by_role("button", name="Je m’en occupe").click()
    await expect(alarm).to_contain_text("pris en charge par Hélène Marchand")
    await alarm.get_by_role("button", name="C’est réglé").click()
    await expect(alarm).to_have_count(0)


async def test_a_cut_line_is_told_and_what_was_missed_is_caught_up(world: Any, open_screen: Any) -> None:
    """The server dies without a word and comes back: the notice shows, goes, and the board is fetched again."""
    desk = await open_screen(Role.MANAGER)
    desk.forgives("console: [object Event]")  # htmx tells each attempt
    page = await desk.go(f"{world.base}/desk")
    notice = page.get_by_text("Connexion perdue, nouvelle tentative…")
    await expect(notice).to_be_hidden()
    await page.wait_for_timeout(300)
    world.server.kill()
    await expect(notice).to_be_visible()
    await asyncio.to_thread(world.server.start)
    await world.asks("Madame Duperron")
    await expect(notice).to_be_hidden(timeout=30_000)
    await expect(page.locator(".board__case", has_text="Madame Duperron")).to_be_visible()
