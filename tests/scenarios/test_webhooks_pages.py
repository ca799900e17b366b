"""The office chooses the addresses of its partners, tries them, and sends again what was given up."""

import re
from typing import Any

import pytest
import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_app.telling import tell_webhooks
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.errors import Invalid
from maillage_kit.guarded_http import GuardedHttp
from maillage_kit.permissions import Role
from maillage_kit.testing.oauth_application import shown
from maillage_kit.testing.webhook_receiver import Receiver
from maillage_platform import webhooks
from maillage_platform.webhooks.endpoint_form import EndpointForm, checked

PAGE = "/c/eure/settings/webhooks"


@pytest.fixture
async def office(sign_in, eure: CooperativeContext) -> Any:
    return await sign_in(Role.MANAGER, eure)


def form(receiver: Receiver, **changes: Any) -> dict[str, Any]:
    types = [each.name for each in webhooks.CATALOGUE]
    return {"name": "Habitat 27", "url": receiver.url(), "types": types, **changes}


async def added(office: Any, receiver: Receiver) -> tuple[str, str]:
    """(its page, its secret)."""
    answer = await office.post(PAGE, form(receiver))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    found = re.search(r"/settings/webhooks/[0-9a-f-]{36}", answer.text)
    assert found
    return f"/c/eure{found[0]}", shown(answer.text, "Secret de signature")


async def tell(runtime: Runtime) -> int:
    return await tell_webhooks(runtime, GuardedHttp(open_to_private=True))


async def test_a_test_shows_its_answer(runtime: Runtime, office, receiver: Receiver) -> None:
    one, secret = await added(office, receiver)
    for page in (PAGE, one):
        seen = await office.get(page)
        assert (seen.status_code, "Habitat 27" in seen.text, secret in seen.text) == (200, True, False)
    assert (await office.post(f"{one}/test")).headers["location"] == f"{one}/deliveries"
    assert "En attente" in (await office.get(f"{one}/deliveries")).text
    assert await tell(runtime) == 1
    (got,) = receiver.received
    assert got.type == "webhook.test.v1"
    assert got.verifies(secret)
    deliveries = (await office.get(f"{one}/deliveries")).text
    assert "Essai" in deliveries and "Reçu (204)" in deliveries and got.id in deliveries
    assert got.id not in (await office.get(f"{one}/deliveries?state=dead")).text


async def test_what_was_given_up_is_seen_and_sent_again(
    runtime: Runtime, eure, office, sign_in, receiver: Receiver, moved_clock: MovableClock
) -> None:
    one, _ = await added(office, receiver)
    receiver.answer = lambda _: 503
    for _ in range(2):
        await office.post(f"{one}/test")
    await tell(runtime)
    moved_clock.advance(days=3)
    await tell(runtime)
    office = await sign_in(Role.MANAGER, eure)  # the session of three days ago is over
    dead = await office.get(f"{one}/deliveries?state=dead")
    assert dead.text.count("Refusé par le serveur (503)") == 2
    first, second = dict.fromkeys(got.id for got in receiver.received)
    assert re.search(r'data-label="Abandonnés">2<', (await office.get(PAGE)).text)

    receiver.received.clear()
    receiver.answer = lambda _: 200
    assert (await office.post(f"{one}/deliveries/replay", {"delivery": first})).status_code == 303
    await tell(runtime)
    assert [got.id for got in receiver.received] == [first]
    await office.post(f"{one}/deliveries/replay")
    await tell(runtime)
    assert [got.id for got in receiver.received] == [first, second]
    assert "Refusé" not in (await office.get(f"{one}/deliveries")).text


async def test_a_new_secret_is_shown_once_and_signs_with_the_former(
    runtime: Runtime, eure, office, receiver: Receiver
) -> None:
    one, first = await added(office, receiver)
    rotated = await office.post(f"{one}/secret")
    second = shown(rotated.text, "Secret de signature")
    assert (rotated.headers["cache-control"], second != first) == ("no-store", True)
    assert "L’ancien secret signe encore" in (await office.get(one)).text
    await office.post(f"{one}/test")
    await tell(runtime)
    assert [receiver.received[0].verifies(secret) for secret in (first, second)] == [True, True]
    await office.post(f"{one}/secret", {"cut": "1"})
    await office.post(f"{one}/test")
    await tell(runtime)
    assert [receiver.received[1].verifies(secret) for secret in (first, second)] == [False, False]
    async with runtime.database.tenant(eure.tenant) as session:
        rows = (await session.execute(sa.text("select actor, action, detail::text from audit_entry order by id"))).all()
    kept = [(actor, action) for actor, action, _ in rows if action.startswith("webhooks.")]
    acts = ["webhooks.add_endpoint", "webhooks.rotate_secret", "webhooks.rotate_secret"]
    assert kept == [("Camille Test", act) for act in acts]
    assert not any(secret in detail for _, _, detail in rows for secret in (first, second))


async def test_a_paused_address_is_told_nothing_and_a_removed_one_is_gone(
    runtime: Runtime, office, receiver: Receiver
) -> None:
    one, _ = await added(office, receiver)
    assert (await office.post(f"{one}/pause")).status_code == 303
    assert "En pause" in (await office.get(one)).text
    assert (await office.post(f"{one}/test")).status_code == 409
    await office.post(f"{one}/pause", {"resume": "1"})
    await office.post(f"{one}/test")
    await office.post(f"{one}/pause")
    assert await tell(runtime) == 0
    await office.post(f"{one}/pause", {"resume": "1"})
    assert await tell(runtime) == 1
    assert (await office.post(f"{one}/remove")).headers["location"] == PAGE
    assert (await office.get(one)).status_code == 404
    assert "Aucune adresse" in (await office.get(PAGE)).text


async def test_what_is_wrong_is_explained_field_by_field(office, receiver: Receiver) -> None:
    for changes, words in (
        ({"name": " "}, "Donnez un nom"),
        ({"url": "ftp://habitat27.example"}, "adresse publique en https"),
        ({"url": "https://u:p@habitat27.example"}, "adresse publique en https"),
        ({"url": "https://habitat27.example/" + "x" * 2000}, "trop longue"),
        ({"types": []}, "au moins un événement"),
        ({"types": ["quote.sent.v1", "quote.sent.v9"]}, "au moins un événement"),
    ):
        answer = await office.post(PAGE, form(receiver, **changes))
        assert (answer.status_code, words in answer.text) == (422, True), changes
    one, _ = await added(office, receiver)
    assert (await office.post(one, form(receiver, name=""))).status_code == 422
    assert (await office.post(one, form(receiver, name="Habitat Eure"))).status_code == 303
    assert "Habitat Eure" in (await office.get(one)).text


@pytest.mark.parametrize(
    "url", ["https://10.0.0.1/x", "https://127.0.0.1/x", "https://[::1]/x", "http://habitat.example/"]
)
def test_in_production_an_address_written_out_must_be_public(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(
            EndpointForm(name="Habitat", url=url, types=("quote.sent.v1",)), http=GuardedHttp(open_to_private=False)
        )
    assert list(refused.value.fields) == ["url"]


async def test_lists_are_paginated(office, receiver: Receiver) -> None:
    for number in range(3):
        await office.post(PAGE, form(receiver, name=f"Adresse {number}"))
    one, _ = await added(office, receiver)
    for _ in range(3):
        await office.post(f"{one}/test")
    for address, pattern, total in (
        (PAGE, r"webhooks/([0-9a-f-]{36})\"", 4),
        (f"{one}/deliveries", r"muted\">([0-9a-f-]{36})<", 3),
    ):
        seen: list[str] = []
        after, rounds = f"{address}?limit=2", 0
        while after and rounds < 5:
            text = (await office.get(after)).text
            seen += re.findall(pattern, text)
            found = re.search(r'href="([^"]*after=[^"]*)"', text)
            after, rounds = (found[1].replace("&amp;", "&") if found else ""), rounds + 1
        assert len(seen) == len(set(seen)) == total
        assert (await office.get(f"{address}?after=WyJ4IiwgMV0")).status_code == 422
