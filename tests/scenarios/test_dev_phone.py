"""The fictitious phone company as a page: whole calls played by clicks, and nothing of it in production."""

import re
from typing import Any

import httpx
import pytest

from maillage_app.app import build_app
from maillage_app.runtime import Runtime

LEFEVRE, ANA = "+33633333301", "+33611111101"


@pytest.fixture
async def lefevre(town):
    await town.customer("Madame Lefèvre", LEFEVRE, ("12 rue de la République", "27467"))
    await town.on_call("Ana", ANA)


class Play:
    """Somebody who clicks."""

    def __init__(self, visitor: Any) -> None:
        self.visitor = visitor
        self.path = ""
        self.text = ""

    async def calls(self, caller: str, **more: str) -> None:
        answer = await self.visitor.post("/dev/phone", {"cooperative": "eure", "caller": caller, **more})
        assert answer.status_code == 303, answer.text
        self.path = answer.headers["location"]
        self.text = (await self.visitor.get(self.path)).text

    async def does(self, who: str, what: str, keys: str = "") -> None:
        answer = await self.visitor.post(self.path, {"who": who, "what": what, "keys": keys})
        assert answer.status_code == 200
        self.text = answer.text

    async def shows(self, *words: str) -> None:
        """The page as it is now says that."""
        self.text = (await self.visitor.get(f"{self.path}/live")).text
        assert [word for word in words if word not in self.text] == [], self.text


async def test_a_whole_call_is_played(town, lefevre, visitor) -> None:
    chosen = await visitor.get("/dev/phone")
    assert "Dépannage Eure" in chosen.text and "Madame Lefèvre" in chosen.text
    play = Play(visitor)
    await play.calls("06 33 33 33 01")
    assert "Si vous sentez le gaz" in play.text and "attend une touche" in play.text
    seen = re.search(r"live\?seen=([^\"]+)\"", play.text)
    assert seen is not None
    assert (await visitor.get(f"{play.path}/live?seen={seen[1]}")).status_code == 204
    await play.does("caller", "press", "1")
    assert "Ana Test" in play.text and "Décrocher" in play.text and "affiche 02 32 40 27 27" in play.text
    await play.does(ANA, "answer")
    assert "Madame Lefèvre" in play.text and "Taper 1" in play.text
    await play.does(ANA, "key:1")
    assert "en ligne avec Ana Test" in play.text
    await play.does("caller", "hang_up")
    await play.shows("raccroché")
    assert (await town.row("select outcome from call")) == {"outcome": "accepted"}


async def test_the_caller_hangs_up_while_somebody_is_rung(town, lefevre, visitor) -> None:
    play = Play(visitor)
    await play.calls(LEFEVRE)
    await play.does("caller", "press", "1")
    await play.does("caller", "hang_up")
    assert "raccroché" in play.text
    assert (await town.row("select outcome from call")) == {"outcome": "abandoned"}


async def test_a_refusal_rings_the_next_one_until_nobody_is_left(town, lefevre, visitor) -> None:
    play = Play(visitor)
    await play.calls(LEFEVRE)
    await play.does("caller", "press", "1")
    await play.does(ANA, "answer")
    await play.does(ANA, "key:2")
    assert town.cooperative.manager_name in play.text
    await play.does(town.cooperative.manager_phone, "decline")
    assert "Numéro de repli" in play.text
    await play.does(town.cooperative.fallback_phone, "answer")
    await play.does(town.cooperative.fallback_phone, "hang_up")
    assert "Nous n’avons pas réussi à joindre un artisan" in play.text
    assert (await town.row("select outcome from call")) == {"outcome": "missed"}


async def test_what_cannot_be_called_is_said(town, visitor) -> None:
    wrong = await visitor.post("/dev/phone", {"cooperative": "nowhere", "caller": "12"})
    assert wrong.status_code == 422
    assert "Choisissez une coopérative." in wrong.text and "Numéro de téléphone non valable." in wrong.text
    assert (await visitor.get("/dev/phone/aaaaaaaaaaaaaaaa")).status_code == 404


async def test_there_is_no_such_page_in_production(town) -> None:
    settings = town.runtime.settings.model_copy(update={"environment": "production"})
    app: Any = build_app(Runtime(**{**vars(town.runtime), "settings": settings}))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        assert (await client.get("/dev/phone")).status_code == 404
        assert (await client.get("/dev/mailbox")).status_code == 404
