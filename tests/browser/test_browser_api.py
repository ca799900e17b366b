"""The reference of the API, in Chromium, on a phone: a token is pasted, operations are tried, the answers are shown."""

import json
import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from maillage_kit.http_client import http_client

pytestmark = pytest.mark.asyncio(loop_scope="session")
DEVICE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


async def opened(page: Page, name: str) -> Locator:
    """An operation of the page, unfolded."""
    operation = page.locator(f"details#{name}")
    await operation.locator("summary").click()
    return operation


async def test_operations_are_tried_from_the_reference(world: Any, open_screen: Any) -> None:
    scopes = ["customers:read", "customers:write", "coverage:read"]
    client_id = await world.api_client(secret="a-secret-of-the-test", scopes=scopes)
    async with http_client(base_url=world.url) as software:
        given = await software.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(str(client_id), "a-secret-of-the-test"),
        )
        token = given.raise_for_status().json()["access_token"]

    screen = await open_screen(None, None, DEVICE)
    screen.forgives("404", "422")  # two refusals are asked for
    page = await screen.go("/api/v1/docs")
    listing = await opened(page, "list_customers")
    await listing.get_by_role("button", name="Envoyer").click()
    await expect(listing.get_by_role("alert")).to_contain_text("jeton d’accès")
    await page.get_by_label("Jeton d’accès").fill(token)
    await expect(page.get_by_label("Nom de la coopérative dans les adresses")).to_have_value(world.cooperative.slug)

    adding = await opened(page, "create_customer")
    body, key = adding.get_by_label("Corps (JSON)"), adding.get_by_label("Idempotency-Key")
    example = json.loads(await body.input_value())
    await body.fill("{")
    await adding.get_by_role("button", name="Envoyer").click()
    await expect(adding.get_by_role("alert")).to_contain_text("Ce n’est pas du JSON")
    await expect(body).to_be_focused()
    await body.fill(json.dumps({**example, "name": "Essai du navigateur", "colour": "blue"}))
    await adding.get_by_role("button", name="Envoyer").click()
    await expect(adding.get_by_role("status")).to_contain_text(re.compile("^422 "))
    await body.fill(json.dumps({**example, "name": "Essai du navigateur"}))
    used = await key.input_value()
    await adding.get_by_role("button", name="Envoyer").click()
    await expect(adding.get_by_role("status")).to_contain_text(re.compile("^201 "))
    answered = json.loads(await adding.locator("[data-trial-body]").inner_text())
    assert answered["name"] == "Essai du navigateur"
    await expect(adding.locator("[data-trial-headers]")).to_contain_text("ratelimit-policy:")
    await expect(key).not_to_have_value(used)

    await listing.get_by_role("button", name="Envoyer").click()
    await expect(listing.get_by_role("status")).to_contain_text(re.compile("^200 "))
    listed = json.loads(await listing.locator("[data-trial-body]").inner_text())
    assert [row["id"] for row in listed["items"]] == [answered["id"]]
    one = await opened(page, "get_customer")
    await one.get_by_label("customer_id").fill("019536a1-7c00-7000-8000-00000000dead")
    await one.get_by_role("button", name="Envoyer").click()
    await expect(one.get_by_role("status")).to_contain_text(re.compile("^404 "))
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360

    kept = "Object.values(localStorage).concat(Object.values(sessionStorage), [document.cookie]).join()"
    assert token not in await page.evaluate(kept)
    await page.reload()
    await expect(page.get_by_label("Jeton d’accès")).to_have_value("")
