"""Calls when things go wrong: carriers that repeat, swap or forge, lines that are cut, keys that come late, code that
raises. Every caller still reaches a human or is called back, and nothing is counted twice."""

import asyncio
import dataclasses
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from maillage_app.app import build_app
from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.testing.phone_company import CallPhase, LiveCall, PhoneCompany
from maillage_tenants import members
from maillage_tenants.calls import tasks
from maillage_tenants.calls.service import ladder

LEFEVRE, STRANGER = "+33633333301", "+33699999901"
ANA, BILAL = "+33611111101", "+33611111102"
PONT_AUDEMER = "27467"
INBOUND = "/telephony/twiml/inbound"


@pytest.fixture
async def lefevre(town):
    await town.customer("Madame Lefèvre", LEFEVRE, ("12 rue de la République", PONT_AUDEMER))
    return LEFEVRE


def inbound_form(town, sid: str = "CA1", **more: str) -> dict[str, str]:
    return {"CallSid": sid, "From": LEFEVRE, "To": town.number, "CallStatus": "ringing", **more}


def over(app: Any) -> httpx.ASGITransport:
    return httpx.ASGITransport(app=app)


def next_path(answer: httpx.Response) -> str:
    """The path that the document asks for next."""
    (action,) = set(re.findall(r'action="https?://[^/]*(/telephony[^"]+)"', answer.text))
    return str(action).replace("&amp;", "&")


def webhook(town, ending: str):
    """The latest webhook that ended that way, as it was sent."""
    return next(sent for sent in reversed(town.company.webhooks) if sent.path.endswith(ending))


# --- repeated, swapped, late ------------------------------------------------------------------------------------------


async def test_a_carrier_that_says_everything_twice_changes_nothing(town, lefevre):
    ana = await town.on_call("Ana", ANA)
    bilal = await town.on_call("Bilal", BILAL, rank=2)
    ana.rings().is_a_machine()
    bilal.rings().presses("1")
    town.company.misbehaves.repeat_everything = True  # and every answer must be the same as the first
    call = await town.company.calls(lefevre, town.number)
    await call.presses("1")
    assert call.talks_to is bilal
    await call.hangs_up()
    assert await town.value("select count(*) from call") == 1
    assert await town.value("select count(*) from intervention") == 1
    assert await town.value("select count(*) from message") == 1
    assert await town.legs() == [("Ana", "not_accepted"), ("Bilal", "accepted")]
    sent = {(hook.path, tuple(sorted(hook.form.items()))) for hook in town.company.webhooks}
    assert await town.value("select count(*) from call_event") == len(sent) < len(town.company.webhooks)
    assert (await town.ended())["accepted_kind"] == "rank2"


async def test_the_same_webhook_five_times_at_once_is_one_call(town, lefevre):
    form = inbound_form(town)
    answers = await asyncio.gather(*(town.company.send(INBOUND, form) for _ in range(5)))
    first = answers[0]
    assert len({answer.text for answer in answers}) == 1
    assert {answer.status_code for answer in answers} == {200}
    assert await town.value("select count(*) from call") == 1

    typed = {**form, "CallStatus": "in-progress", "Digits": "1"}
    answers = await asyncio.gather(*(town.company.send(next_path(first), typed) for _ in range(5)))
    assert len({answer.text for answer in answers}) == 1
    assert town.cooperative.manager_phone in answers[0].text
    assert await town.value("select count(*) from intervention") == 1
    assert await town.value("select count(*) from call_leg") == 1


async def test_news_in_the_wrong_order_does_not_bring_a_leg_back(town, lefevre):
    ana = await town.on_call("Ana", ANA)
    bilal = await town.on_call("Bilal", BILAL, rank=2)
    ana.rings().does_not_answer()
    bilal.rings().presses("1")
    town.company.misbehaves.swap_leg_news = True
    town.company.misbehaves.repeat_status = True
    call = await town.company.calls(lefevre, town.number)
    await call.presses("1")
    assert call.talks_to is bilal
    await call.hangs_up()
    assert await town.legs() == [("Ana", "no_answer"), ("Bilal", "accepted")]
    assert await town.value("select last_sequence from call_leg order by position limit 1") == 2


async def test_a_carrier_that_tells_no_news_is_enough(town, lefevre):
    ana = await town.on_call("Ana", ANA)
    bilal = await town.on_call("Bilal", BILAL, rank=2)
    ana.rings().is_busy()
    bilal.rings().presses("1")
    town.company.misbehaves.lose_status = True
    call = await town.company.calls(lefevre, town.number)
    await call.presses("1")
    assert call.talks_to is bilal
    await call.is_left()
    assert await town.legs() == [("Ana", "busy"), ("Bilal", "accepted")]
    assert await town.value("select outcome from call") == "accepted"


async def test_a_key_that_comes_after_the_next_person_was_rung_is_too_late(town, lefevre):
    ana = await town.on_call("Ana", ANA)
    bilal = await town.on_call("Bilal", BILAL, rank=2)
    ana.rings().is_a_machine()
    bilal.rings().presses("1")
    call = await town.company.calls(lefevre, town.number)
    await call.presses("1")
    whispered = webhook(town, "/whisper/0")
    late = await town.company.send(
        whispered.path.replace("whisper", "key"), {**whispered.form, "Digits": "1", "CallStatus": "in-progress"}
    )
    assert "Cette demande est déjà prise." in late.text and "<Hangup" in late.text
    heard = await town.company.send(whispered.path, {**whispered.form, "Again": "1"})
    assert "Cette demande est déjà prise." in heard.text
    assert call.talks_to is bilal
    await call.hangs_up()
    assert await town.legs() == [("Ana", "not_accepted"), ("Bilal", "accepted")]
    assert await town.value("select technician_id from intervention") == town.people["Bilal"]


async def test_a_key_that_comes_after_the_caller_left_is_told_so(town, lefevre):
    ana = await town.on_call("Ana", ANA)
    ana.rings().picks_up_and_the_caller_hangs_up()
    call = await town.company.calls(lefevre, town.number)
    await call.presses("1")
    whispered = webhook(town, "/whisper/0")
    late = await town.company.send(whispered.path.replace("whisper", "key"), {**whispered.form, "Digits": "1"})
    assert "La personne qui appelait a raccroché." in late.text
    assert await town.value("select outcome from call") == "abandoned"


async def test_the_end_of_the_line_may_be_told_before_the_call(town, lefevre):
    form = inbound_form(town)
    ended = await town.company.send(
        "/telephony/twiml/status", {**form, "CallStatus": "completed", "CallDuration": "7", "SequenceNumber": "0"}
    )
    assert ended.status_code == 204
    answer = await town.company.send(INBOUND, form)
    assert "<Hangup" in answer.text
    stored = await town.row("select state, outcome, ended_at - started_at as lasted from call")
    assert (stored["state"], stored["outcome"], stored["lasted"]) == ("ended", "missed", timedelta(seconds=7))
    assert await town.value("select phone from callback") == LEFEVRE


async def test_old_news_of_a_call_that_is_over_changes_nothing(town, lefevre):
    ana = await town.on_call("Ana", ANA)
    ana.rings().presses("1")
    call = await town.company.calls(lefevre, town.number)
    await call.presses("1")
    await call.hangs_up()
    before = await town.row("select * from call")
    for status, sequence in (("ringing", "0"), ("in-progress", "1"), ("failed", "9")):
        await town.company.send(
            "/telephony/twiml/status", {**call.fields(status), "SequenceNumber": sequence, "Late": "1"}
        )
    leg = webhook(town, "/leg/0")
    await town.company.send(leg.path, {**leg.form, "CallStatus": "no-answer", "SequenceNumber": "9"})
    after = await town.row("select * from call")
    assert {**after, "last_sequence": 0} == {**before, "last_sequence": 0}
    assert await town.legs() == [("Ana", "accepted")]


# --- cut between the key and the conversation ---------------------------------------------------------------------


async def accepted_but_never_bridged(town, lefevre) -> tuple[LiveCall, str, httpx.Response]:
    ana = await town.on_call("Ana", ANA)
    ana.rings().presses("1")
    call = await town.company.calls(lefevre, town.number)
    await call.presses("1")
    cut = call.fields("in-progress", DialCallStatus="completed", DialCallSid="CA9", DialBridged="false")
    path = re.sub(r"leg/0$", "step/0", webhook(town, "/leg/0").path)
    return call, path, await town.company.send(path, cut)


async def test_an_acceptance_cut_before_the_conversation_is_dialled_again_directly(town, lefevre):
    call, _path, again = await accepted_but_never_bridged(town, lefevre)
    assert ANA in again.text and "step/0?direct=1" in again.text and "whisper" not in again.text
    await call.hangs_up()
    assert await town.value("select outcome from call") == "accepted"


async def test_an_acceptance_cut_for_good_is_a_promise_to_call_back(town, lefevre):
    call, path, _again = await accepted_but_never_bridged(town, lefevre)
    end = await town.company.send(
        f"{path}?direct=1", call.fields("in-progress", DialCallStatus="no-answer", DialBridged="false")
    )
    assert "Votre demande est prise en charge par Ana Test, Ana Dépannage, qui vous rappelle" in end.text
    assert await town.value("select severity from alarm") == "critical"
    assert await town.value("select phone from callback") == LEFEVRE
    assert await town.value("select state from intervention") == "accepted"
    town.company.misbehaves.lose_status = True
    await call.hangs_up()


async def test_two_people_who_talked_have_accepted_even_if_the_key_was_never_written(town, lefevre):
    """The key's webhook was lost, the carrier bridged all the same: the case knows who took it."""
    await town.on_call("Ana", ANA)
    answer = await town.company.send(INBOUND, inbound_form(town))
    form = inbound_form(town, CallStatus="in-progress")
    dialled = await town.company.send(next_path(answer), {**form, "Digits": "1"})
    end = await town.company.send(
        next_path(dialled), {**form, "DialCallStatus": "completed", "DialCallSid": "CA8", "DialBridged": "true"}
    )
    assert "Au revoir" in end.text
    assert await town.value("select outcome from call") == "accepted"
    assert await town.legs() == [("Ana", "accepted")]
    assert await town.value("select technician_id from intervention") == town.people["Ana"]


# --- forged -----------------------------------------------------------------------------------------------------


async def test_what_the_carrier_did_not_sign_is_refused_and_logged(town):
    company, form = town.company, inbound_form(town)
    good = company.sign(company.public_url + INBOUND, form)
    tries = [
        ({}, form),
        ({"X-Twilio-Signature": "AAAA"}, form),
        ({"X-Twilio-Signature": good}, {**form, "From": STRANGER}),
        ({"X-Twilio-Signature": company.sign("http://evil.example" + INBOUND, form), "Host": "evil.example"}, form),
        ({"X-Twilio-Signature": company.sign(company.public_url + INBOUND, form, "another-token")}, form),
    ]
    for headers, sent in tries:
        answer = await company.client.post(INBOUND, data=sent, headers=headers)
        assert answer.status_code == 403
        assert town.cooperative.fallback_phone not in answer.text
    assert await town.rows("select 1 from call") == []
    assert [line["event"] for line in town.log].count("webhook_refused") == len(tries)
    answer = await company.client.post(INBOUND, data=form, headers={"X-Twilio-Signature": good, "Host": "evil.example"})
    assert answer.status_code == 200  # the Host header is not part of what is signed


async def test_a_changed_address_is_refused(town):
    call = await town.company.calls(STRANGER, town.number)
    asked = webhook(town, "/inbound")
    (action,) = set(re.findall(r'action="[^"]*(/telephony[^"]+)"', asked.body))
    path = action.replace("&amp;", "&")
    form = call.fields("in-progress", Digits="1")
    signed = town.company.sign(town.company.public_url + path, form)
    changed = path.replace("attempt=1", "attempt=2")
    answer = await town.company.client.post(changed, data=form, headers={"X-Twilio-Signature": signed})
    assert answer.status_code == 403
    await call.hangs_up()


async def test_a_call_of_another_cooperative_is_not_reached_by_its_id(town, seine_maritime):
    """Rule 2: a webhook that names another cooperative's call finds nothing, and still rings a human."""
    town.troubles.add("caller_rescued")
    call = await town.company.calls(STRANGER, town.number)
    path = webhook(town, "/inbound").body
    (action,) = set(re.findall(r'action="[^"]*(/telephony[^"]+)"', path))
    elsewhere = action.replace("&amp;", "&").replace(str(town.cooperative.id), str(seine_maritime.id))
    answer = await town.company.send(elsewhere, call.fields("in-progress", Digits="1"))
    assert seine_maritime.fallback_phone in answer.text
    await call.hangs_up()
    assert await town.value("select outcome from call") == "abandoned"


async def test_the_webhooks_are_closed_without_a_token_and_open_to_two(town, runtime):
    async def post(token: str, *accepted: str) -> httpx.Response:
        telephony = runtime.settings.telephony.model_copy(
            update={"auth_tokens": tuple(SecretStr(text) for text in accepted)}
        )
        app = build_app(
            dataclasses.replace(runtime, settings=runtime.settings.model_copy(update={"telephony": telephony}))
        )
        async with httpx.AsyncClient(transport=over(app), base_url="http://127.0.0.1") as client:
            company = PhoneCompany(client, public_url=town.company.public_url, token=token)
            return await company.send(INBOUND, inbound_form(town, f"CA{token}"))

    assert (await post("new")).status_code == 404
    assert (await post("new", "new", "old")).status_code == 200
    assert (await post("old", "new", "old")).status_code == 200
    assert (await post("older", "new", "old")).status_code == 403


async def test_ten_megabytes_are_not_read(town):
    answer = await town.company.client.post(
        INBOUND, content=b"From=" + b"3" * 10_000_000, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 413


async def test_what_is_no_form_is_refused(town):
    answer = await town.company.client.post(INBOUND, content=b"\xff\xfe", headers={"X-Twilio-Signature": "AAAA"})
    assert answer.status_code == 422


# --- code that raises -------------------------------------------------------------------------------------------


async def rescued(town, company, caller: str = LEFEVRE):
    """A call that the rest of the product cannot handle: the fallback number rings, bridged at once."""
    fallback = company.phone("Repli", town.cooperative.fallback_phone)
    fallback.rings().presses("1")
    return fallback, await company.calls(caller, town.number)


class BrokenTrade:
    """A trade whose plugin raises when its words are asked for."""

    def __init__(self, trade) -> None:
        self._trade = trade

    def __getattr__(self, name: str):
        if name == "spoken":
            raise RuntimeError("the plugin is broken")
        return getattr(self._trade, name)


async def test_a_plugin_that_raises_does_not_lose_the_call(town, runtime, moved_clock):
    town.troubles.add("inbound_rescued")
    broken = TradeRegistry(dataclasses.replace(plugin, trade=BrokenTrade(plugin.trade)) for plugin in runtime.trades)
    app = build_app(dataclasses.replace(runtime, trades=broken))
    async with httpx.AsyncClient(transport=over(app), base_url="http://127.0.0.1") as client:
        company = PhoneCompany(client, public_url=town.company.public_url, token=town.company.token, clock=moved_clock)
        fallback, call = await rescued(town, company)
        assert call.talks_to is fallback
        await call.hangs_up()
        company.is_quiet()
    stored = await town.row("select outcome, caller, intervention_id from call")
    assert stored["outcome"] == "fallback"
    assert stored["caller"] == LEFEVRE
    assert stored["intervention_id"] is not None
    (step,) = await town.ladder()
    assert (step["kind"], step["reason"][:14]) == ("fallback", "Secours direct")
    assert await town.value("select kind from alarm") == "call_rescued"
    texts = [row["text"] for row in await town.rows("select text from intervention_event order by id")]
    assert "Numéro de l’appelant : 06 33 33 33 01" in texts


async def test_papers_that_cannot_be_read_leave_the_manager(town, lefevre, monkeypatch):
    town.troubles.add("ladder_incomplete")
    await town.on_call("Ana", ANA)

    async def raising(*_args, **_kwargs):
        raise RuntimeError("no papers today")

    monkeypatch.setattr(members, "assignability", raising)
    manager = town.company.phone("Responsable", town.cooperative.manager_phone)
    manager.rings().presses("1")
    call = await town.company.calls(lefevre, town.number)
    await call.presses("1")
    assert call.talks_to is manager
    await call.hangs_up()
    assert (await town.ladder())[0]["reason"] == "Les astreintes n’ont pas pu être lues : le responsable décide."


async def test_a_fault_in_the_middle_of_a_call_rings_the_fallback_numbers_one_by_one(town, lefevre, monkeypatch):
    town.troubles.add("caller_rescued")
    ana = await town.on_call("Ana", ANA)
    ana.rings().does_not_answer()
    fallback = town.company.phone("Repli", town.cooperative.fallback_phone)
    manager = town.company.phone("Responsable", town.cooperative.manager_phone)
    fallback.rings().is_busy()
    manager.rings().presses("1")

    async def raising(*_args, **_kwargs):
        raise RuntimeError("a bug")

    monkeypatch.setattr(ladder, "ring_next", raising)
    call = await town.company.calls(lefevre, town.number)
    await call.presses("1")
    assert call.rung == ["Ana", "Repli", "Responsable"]
    assert call.talks_to is manager
    await call.hangs_up()
    assert await town.value("select outcome from call") == "accepted"
    assert [leg for leg in await town.legs() if leg[0] != "Ana"] == [("Numéro", "busy"), ("Hélène", "accepted")]


# --- calls whose end was never told -------------------------------------------------------------------------------


async def test_calls_whose_end_was_never_told_are_ended_with_an_alarm(town, lefevre, runtime, moved_clock):
    ana = await town.on_call("Ana", ANA)
    ana.rings().presses("1")
    town.company.misbehaves.lose_status = True

    menu = await town.company.calls(STRANGER, town.number)
    talking = await town.company.calls(lefevre, town.number)
    await talking.presses("1")
    await town.company.send(INBOUND, inbound_form(town, "CAlost"))
    answer = await town.company.send(INBOUND, inbound_form(town, "CAringing"))
    action = next_path(answer)
    await town.company.send(action, {**inbound_form(town, "CAringing", CallStatus="in-progress"), "Digits": "1"})

    async def sweep() -> None:
        async with runtime.database.tenant(town.cooperative.tenant) as session:
            await tasks.look_for_stuck(
                session, town.cooperative, runtime.trades.enabled(town.cooperative.trades), runtime.settings
            )

    moved_clock.advance(minutes=29)
    await sweep()
    assert await town.value("select count(*) from call where state = 'ended'") == 0
    moved_clock.advance(minutes=2)
    await sweep()
    await sweep()
    outcomes = {row["provider_call_id"]: row["outcome"] for row in await town.rows("select * from call")}
    assert outcomes.pop("CAringing") == "missed"
    assert outcomes.pop("CAlost") == "abandoned"
    assert outcomes == {menu.sid: "abandoned", talking.sid: None}  # a conversation may be long
    assert await town.value("select count(*) from callback") == 3
    assert sorted(row["severity"] for row in await town.rows("select severity from alarm")) == [
        "critical",
        "warning",
        "warning",
    ]
    moved_clock.advance(hours=4)
    await sweep()
    assert await town.value("select outcome from call where provider_call_id = :sid", sid=talking.sid) == "accepted"
    late = await town.company.send(action, {**inbound_form(town, "CAringing"), "Digits": "2", "At": str(clock.now())})
    assert "<Hangup" in late.text
    menu.state = talking.state = CallPhase.OVER
