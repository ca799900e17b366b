"""Messages, conversations and the cooperative's own voice: from the line to the office's page, and to their end."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from maillage_app.runtime import Runtime
from maillage_app.testing.applications import application_of
from maillage_kit.permissions import Role
from maillage_kit.settings import CarrierApiSettings, SipSettings
from maillage_kit.testing.http_server import Handler, serving
from maillage_kit.testing.sounds import alaw, wav
from maillage_tenants import recordings
from maillage_tenants.calls import words
from maillage_tenants.recordings.fetching import RETRY_AFTER, CarrierFetcher, fetch_recording
from maillage_tenants.recordings.purging import purge

LEFEVRE, ANA = "+33633333301", "+33611111101"
PONT_AUDEMER = "27467"
ACCOUNT, TOKEN = "AC" + "0" * 32, "an-api-token"
SWITCHBOARD_SECRET = "a secret of the switchboard"


@dataclass
class Archive:
    """Where the phone company keeps recordings: over HTTP, behind the account's name and token."""

    url: str
    sound: bytes = b""
    answers: list[int] = field(default_factory=list)
    refused: int = 0

    def api(self, token: str = TOKEN) -> CarrierApiSettings:
        return CarrierApiSettings(base_url=self.url, account_sid=ACCOUNT, auth_token=SecretStr(token))


@pytest.fixture
def archive() -> Iterator[Archive]:
    class Shelf(Handler):
        def do_GET(self) -> None:
            expected = "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
            status = kept.answers.pop(0) if kept.answers else 200
            if self.headers.get("Authorization") != expected:
                kept.refused += 1
                status = 401
            self.answer(status, kept.sound if status == 200 else b"")

    with serving(Shelf) as port:
        kept = Archive(f"http://127.0.0.1:{port}", wav(12))
        yield kept


@pytest.fixture
async def office(town, sign_in):
    return await sign_in(Role.MANAGER, town.cooperative)


async def nobody_answers(town) -> None:
    ana = await town.on_call("Ana", ANA)
    await town.customer("Madame Lefèvre", LEFEVRE, ("12 rue de la République", PONT_AUDEMER))
    ana.rings().does_not_answer()
    town.company.phone("Responsable", town.cooperative.manager_phone).rings().is_busy()
    town.company.phone("Repli", town.cooperative.fallback_phone).rings().is_a_machine()


async def fetch(town, archive: Archive, *, attempt: int = 1, token: str = TOKEN) -> dict[str, Any]:
    """One attempt of the task, as the worker makes it; returns the row afterwards."""
    recording_id = await town.value("select id from call_recording")
    async with town.runtime.database.tenant(town.cooperative.tenant) as session:
        fetcher = CarrierFetcher(archive.api(token))
        await fetch_recording(session, recording_id=recording_id, attempt=attempt, fetcher=fetcher)
    row: dict[str, Any] = await town.row("select * from call_recording")
    return row


async def test_a_caller_whom_nobody_could_answer_leaves_a_message(town, office, archive) -> None:
    town.company.recordings_at = archive.url
    await nobody_answers(town)
    call = await town.company.calls(LEFEVRE, town.number, message=12)
    await call.presses("1")
    assert call.said[-3:] == [words.MISSED, words.LEAVE_MESSAGE, words.MESSAGE_KEPT]

    waiting = await town.row("select * from call_recording")
    assert (waiting["kind"], waiting["state"], waiting["seconds"]) == ("message", "waiting", 12)
    async with town.runtime.database.platform() as session:
        tasks = await session.execute(
            sa.text("select args->>'recording_id' from tasks.procrastinate_jobs where task_name = 'recordings.fetch'")
        )
        assert tasks.scalars().all() == [str(waiting["id"])]
    kept = await fetch(town, archive)
    assert (kept["state"], kept["content"], kept["content_type"]) == ("kept", archive.sound, "audio/wav")
    lines = await town.rows("select text from intervention_event where kind = 'voice_message'")
    assert len(lines) == 1

    call_id = await town.value("select id from call")
    page = await office.get(f"/c/eure/calls/{call_id}")
    address = f"/c/eure/calls/{call_id}/recordings/{kept['id']}"
    assert "Message de l’appelant" in page.text and f'src="{address}"' in page.text
    heard = await office.get(address)
    assert (heard.content, heard.headers["content-type"]) == (archive.sound, "audio/wav")
    listened = await town.row("select actor, subject_id, detail from audit_entry where action = 'recordings.listened'")
    assert (listened["actor"], listened["subject_id"]) == ("Camille Test", str(call_id))


async def test_a_caller_who_says_nothing_leaves_nothing(town) -> None:
    await nobody_answers(town)
    call = await town.company.calls(LEFEVRE, town.number)
    await call.presses("1")
    assert call.heard(words.LEAVE_MESSAGE)
    assert await town.rows("select id from call_recording") == []
    assert await town.value("select outcome from call") == "missed"


async def test_a_carrier_that_is_not_ready_is_asked_again_and_a_lost_message_is_an_alarm(town, archive) -> None:
    town.company.recordings_at = archive.url
    await nobody_answers(town)
    call = await town.company.calls(LEFEVRE, town.number, message=5)
    await call.presses("1")
    archive.answers = [404, 503]
    for attempt in (1, 2):
        row = await fetch(town, archive, attempt=attempt)
        assert (row["state"], row["error"]) == ("waiting", f"réponse {[404, 503][attempt - 1]}")
    assert (await fetch(town, archive, attempt=3))["state"] == "kept"

    async with town.runtime.database.tenant(town.cooperative.tenant) as session:
        await session.execute(sa.text("update call_recording set state = 'waiting', content = null"))
    lost = await fetch(town, archive, attempt=len(RETRY_AFTER) + 1, token="wrong")
    assert (lost["state"], archive.refused) == ("failed", 1)
    alarm = await town.row("select severity, link from alarm where kind = 'recording_lost'")
    assert alarm["link"] == f"/calls/{lost['call_id']}"


async def test_the_accounts_token_goes_to_the_carrier_only(archive) -> None:
    elsewhere = CarrierApiSettings(base_url="https://api.twilio.com", account_sid=ACCOUNT, auth_token=SecretStr(TOKEN))
    with pytest.raises(Exception, match="sans https"):
        await CarrierFetcher(elsewhere)(archive.url + "/RE1", recordings.RecordingKind.MESSAGE)
    assert archive.refused == 0


async def records(town, office, *, on: bool = True) -> None:
    await office.post("/c/eure/telephony/recording", {"records": "1" if on else "0"})
    town.runtime.directory.forget()


async def test_conversations_are_recorded_when_chosen_with_notice_and_not_before(town, office) -> None:
    ana = await town.on_call("Ana", ANA)
    await town.customer("Madame Lefèvre", LEFEVRE, ("12 rue de la République", PONT_AUDEMER))
    assert "désactivé" in (await office.get("/c/eure/telephony")).text
    for chosen in (False, True):
        if chosen:
            await records(town, office)
            assert "activé" in (await office.get("/c/eure/telephony")).text
        ana.rings().presses("1")
        call = await town.company.calls(LEFEVRE, town.number)
        assert call.heard(words.RECORDING_NOTICE) is chosen
        await call.presses("1")
        assert ("Cette conversation est enregistrée" in ana.heard[-2]) is chosen
        await call.hangs_up()
        assert len(await town.rows("select id from call_recording where kind = 'conversation'")) == int(chosen)
    changed = await town.row("select actor, action from audit_entry where subject_type = 'recording_choice'")
    assert (changed["actor"], changed["action"]) == ("Camille Test", "recordings.switched_on")


async def test_a_caller_who_objects_is_not_recorded_and_loses_nothing(town, office) -> None:
    """R70."""
    await records(town, office)
    ana = await town.on_call("Ana", ANA)
    ana.rings().presses("1")
    call = await town.company.calls("+33699999901", town.number)
    await call.presses("1")
    assert call.said[-1] == words.ASK_POSTCODE
    await call.presses("*")
    assert call.said[-2:] == [words.NOT_RECORDED, words.ASK_POSTCODE]
    await call.presses("27500")
    assert call.talks_to is ana
    assert not any("enregistrée" in heard for heard in ana.heard)
    await call.hangs_up()
    assert await town.value("select may_record from call") is False
    assert await town.rows("select id from call_recording") == []

    forced = await town.company.send(
        f"/telephony/twiml/{town.cooperative.id}/{await town.value('select id from call')}/recording/conversation",
        call.fields("completed", RecordingSid="RE1", RecordingUrl="https://api.twilio.com/RE1"),
    )
    assert forced.status_code == 404
    assert await town.rows("select id from call_recording") == []


async def test_an_objection_to_the_first_words_does_not_say_them_again(town, office) -> None:
    await records(town, office)
    call = await town.company.calls("+33699999901", town.number)
    await call.presses("*")
    assert call.said[-3] == words.NOT_RECORDED
    assert call.said.count(words.SAFETY_FIRST) == 1
    await call.hangs_up()


async def test_sounds_are_purged_after_180_days_unless_the_call_is_held(town, office, sign_in, moved_clock) -> None:
    await records(town, office)
    ana = await town.on_call("Ana", ANA)
    await town.customer("Madame Lefèvre", LEFEVRE, ("12 rue de la République", PONT_AUDEMER))
    calls = []
    for n in range(2):
        ana.rings().presses("1")
        call = await town.company.calls(LEFEVRE, town.number)
        await call.presses("1")
        await call.hangs_up()
        calls.append(await town.value("select id from call order by started_at desc, id desc limit 1"))
        async with town.runtime.database.tenant(town.cooperative.tenant) as session:
            await recordings.keep(
                session, call_id=calls[n], kind=recordings.RecordingKind.CONVERSATION, content=wav(1, level=n)
            )
    held, free = calls
    refused = await office.post(f"/c/eure/calls/{held}/hold", {"reason": ""})
    assert refused.status_code == 422 and "Un motif est attendu." in refused.text
    await office.post(f"/c/eure/calls/{held}/hold", {"reason": "Litige sur le prix"})
    assert "Litige sur le prix" in (await office.get(f"/c/eure/calls/{held}")).text

    async def purged() -> int:
        async with town.runtime.database.tenant(town.cooperative.tenant) as session:
            return await purge(session)

    moved_clock.advance(days=179)
    assert await purged() == 0
    moved_clock.advance(days=1)
    assert await purged() == 1
    kept = {row["call_id"] for row in await town.rows("select call_id from call_recording where state = 'kept'")}
    assert kept == {held}
    gone = await town.row(
        "select id, content, sha256 from call_recording where call_id = :c and state = 'purged'", c=free
    )
    assert (gone["content"], gone["sha256"]) == (None, None)
    later = await sign_in(Role.MANAGER, town.cooperative)
    page = await later.get(f"/c/eure/calls/{free}")
    assert "La durée de conservation est passée." in page.text
    assert (await later.get(f"/c/eure/calls/{free}/recordings/{gone['id']}")).status_code == 404
    await later.post(f"/c/eure/calls/{held}/release")
    assert await purged() == 1


async def test_the_switchboard_speaks_with_the_cooperatives_own_voice(town, office, visitor) -> None:
    sound = wav(2.5, rate=16000)
    refused = await office.post("/c/eure/telephony/prompts/safety_first", files={"sound": ("a.wav", wav(rate=44100))})
    assert refused.status_code == 422 and "8 000 ou 16 000 Hz" in refused.text
    unknown = await office.post("/c/eure/telephony/prompts/no_such", files={"sound": ("a.wav", sound)})
    assert unknown.status_code == 404
    for name in ("safety_first", "greeting"):
        done = await office.post(f"/c/eure/telephony/prompts/{name}", files={"sound": ("a.wav", sound)})
        assert done.status_code == 303
    town.runtime.directory.forget()
    page = await office.get("/c/eure/telephony/prompts")
    assert page.text.count("votre voix") == 2 and "2,5 s" in page.text
    assert (await office.get("/c/eure/telephony/prompts/greeting/sound")).content == sound

    call = await town.company.calls(LEFEVRE, town.number)
    played = [said[1:-1] for said in call.said if said.startswith("[")]
    assert [urlsplit(url).path.split("/")[4] for url in played] == ["safety_first", "greeting"]
    assert call.heard("Pour la plomberie, tapez 1.")
    await call.hangs_up()
    answer = await visitor.get(urlsplit(played[0]).path)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, sound, "audio/wav")
    assert (await visitor.get(urlsplit(played[0]).path[:-1] + "x")).status_code == 404
    call_id = await town.value("select id from call")
    assert words.SAFETY_FIRST in (await office.get(f"/c/eure/calls/{call_id}")).text  # the story still tells the words

    await office.post("/c/eure/telephony/prompts/safety_first/forget")
    town.runtime.directory.forget()
    assert (await visitor.get(urlsplit(played[0]).path)).status_code == 404
    after = await town.company.calls(LEFEVRE, town.number)
    assert after.said[0] == words.SAFETY_FIRST
    await after.hangs_up()


@pytest.fixture
async def voice(town) -> Any:
    """Our own voice process, as it knocks."""
    telephony = town.runtime.settings.telephony.model_copy(
        update={"sip": SipSettings(secrets=(SecretStr(SWITCHBOARD_SECRET),))}
    )
    runtime = Runtime(
        **{
            **vars(town.runtime),
            "settings": town.runtime.settings.model_copy(update={"telephony": telephony}),
        }
    )
    app = application_of(runtime)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1", auth=("edge", SWITCHBOARD_SECRET)
    ) as client:
        yield client


async def test_our_own_voice_brings_a_message_once(town, voice) -> None:
    await nobody_answers(town)
    call = await town.company.calls(LEFEVRE, town.number)
    await call.presses("1")
    call_id, sound = await town.value("select id from call"), alaw(7)
    address = f"/telephony/sip/{town.cooperative.id}/{call_id}/message"
    headers = {"content-type": "audio/wav"}
    for _ in range(2):
        assert (await voice.post(address, content=sound, headers=headers)).status_code == 204
    row = await town.row("select kind, state, seconds, content from call_recording")
    assert row == {"kind": "message", "state": "kept", "seconds": 7, "content": sound}
    stranger = await voice.post(address, content=wav(1), headers=headers, auth=("edge", "a wrong secret here"))
    assert stranger.status_code in (401, 403)
    assert (await voice.post(address, content=b"<html>", headers=headers)).status_code == 422
    assert (await voice.post(address, content=bytes(5 * 2**20), headers=headers)).status_code == 413
    nowhere = f"/telephony/sip/{town.cooperative.id}/{town.cooperative.id}/message"
    assert (await voice.post(nowhere, content=sound, headers=headers)).status_code == 404
    assert (await voice.post(address.replace("message", "recording"), content=sound)).status_code == 404  # R70
    assert len(await town.rows("select id from call_recording")) == 1


async def test_our_own_voice_hears_the_cooperatives_prompts(town, office, voice) -> None:
    sound = wav(1)
    await office.post("/c/eure/telephony/prompts/hold_on", files={"sound": ("a.wav", sound)})
    version = await town.value("select version from own_prompt")
    address = f"/telephony/sip/{town.cooperative.id}/prompts/hold_on?v={version}"
    assert (await voice.get(address)).content == sound
    assert (await voice.get(address.replace(version, "0" * 16))).status_code == 404
    assert (await voice.get(address, auth=("edge", "a wrong secret here"))).status_code in (401, 403)
