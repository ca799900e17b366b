"""The rota under the thumb: a colleague falls ill, and two taps on a small phone are enough."""

from typing import Any

import pytest
from playwright.async_api import expect

from maillage_kit.permissions import Role

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_two_taps_take_a_colleagues_duty_over(
    world: Any, evening: Any, open_screen: Any, phone_device: dict[str, Any]
) -> None:
    """From « Mes astreintes »: first tap, the list; second tap, the calls are his. No question in between."""
    now = world.clock.now()
    colleague = world.colleagues[
        await world.value(
            "select t.id from technician t join member_trade mt on mt.member_id = t.member_id and mt.trade = 'plumbing'"
            " where t.active and t.id <> :artisan and not exists (select 1 from duty d where d.technician_id = t.id"
            " and d.live and d.superseded_at is null and d.ends_at > :now - interval '14 days'"
            " and d.starts_at < :now + interval '14 days') order by t.id limit 1",
            artisan=evening.artisan.technician_id,
            now=now,
        )
    ]
    screen = await open_screen(Role.MEMBER, colleague, phone_device)
    page = await screen.go(f"{world.base}/field/duties")
    await page.get_by_role("link", name="Remplacer quelqu’un maintenant").tap()
    await expect(page.get_by_role("heading", name="Remplacer maintenant")).to_be_visible()
    button = page.get_by_role("button", name="Je prends").last
    box = await button.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await button.tap()
    await expect(page.get_by_text("Vous êtes d’astreinte : les appels sont pour vous.")).to_be_visible()
    await expect(page.get_by_text("En ce moment")).to_be_visible()
    (held,) = await world.rows(
        "select reason from duty where technician_id = :id and live and superseded_at is null"
        " and starts_at <= :now and ends_at > :now",
        id=colleague.technician_id,
        now=world.clock.now(),
    )
    assert held["reason"].startswith("Reprise en urgence par ")
