"""Messages reach a real SMTP server and a real HTTP carrier, are tried again, or fail with an alarm."""

import asyncio
import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.header import decode_header, make_header
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID, uuid4

import psycopg
import pytest
from pydantic import SecretStr, ValidationError

from maillage_app.runtime import Runtime
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.errors import Invalid
from maillage_kit.settings import MailSettings, Settings, SmsSettings
from maillage_kit.testing.mail_server import SmtpServer
from maillage_kit.testing.message_carriers import http_carrier
from maillage_tenants import alarms, messages
from maillage_tenants.messages.carriers import carriers_from
from maillage_tenants.messages.rules import RETRY_AFTER
from maillage_tenants.messages.tasks import deliver


@dataclass
class SmsServer:
    url: str = ""
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    answers: list[tuple[int, object]] = field(default_factory=list)


@pytest.fixture
def carrier() -> Iterator[SmsServer]:
    """A local HTTP server with the carrier's address form; answers what it is told, 201 otherwise."""
    state = SmsServer()

    def answer(method: str, path: str, headers: Any, body: bytes) -> tuple[int, object]:
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        state.requests.append((path, headers["Authorization"], form))
        return state.answers.pop(0) if state.answers else (201, {"sid": f"SM{len(state.requests):032d}"})

    with http_carrier(answer) as state.url:
        yield state


def _mail(settings: Settings, smtp: SmtpServer) -> Settings:
    mail = MailSettings(
        smtp_url=SecretStr(f"smtp://127.0.0.1:{smtp.port}"), sender="Maillage <depart@maillage.example>"
    )
    return settings.model_copy(update={"mail": mail})


def _sms(settings: Settings, carrier: SmsServer) -> Settings:
    sms = SmsSettings(base_url=carrier.url, account_sid="AC1", auth_token=SecretStr("jeton"), sender="+33939036612")
    return settings.model_copy(update={"sms": sms})


async def _write_sms(runtime: Runtime, cooperative: CooperativeContext, key: str = "case:1:taken") -> UUID:
    async with runtime.database.tenant(cooperative.tenant) as session:
        written = await messages.send_sms(
            session, to="+33612345678", body="Un artisan est prévenu.", purpose="case_taken", dedupe_key=key
        )
    assert written is not None
    return written


async def _write_mail(runtime: Runtime, cooperative: CooperativeContext, to: str = "ana@client.example") -> UUID:
    async with runtime.database.tenant(cooperative.tenant) as session:
        written = await messages.send_email(
            session,
            to=to,
            subject="Votre devis\nà signer",
            body="Bonjour,\n\nvotre devis est prêt.\n",
            purpose="quote_ready",
            dedupe_key=f"quote:{to}",
        )
    assert written is not None
    return written


async def _deliver(
    runtime: Runtime, cooperative: CooperativeContext, settings: Settings, message_id: UUID
) -> messages.MessageRow:
    await deliver(
        database=runtime.database,
        cooperative=cooperative,
        settings=settings,
        carriers=carriers_from(settings),
        message_id=str(message_id),
    )
    async with runtime.database.tenant(cooperative.tenant) as session:
        return next(row for row in await messages.recent_messages(session) if row.id == message_id)


async def _open_alarms(runtime: Runtime, cooperative: CooperativeContext) -> tuple[alarms.AlarmRow, ...]:
    async with runtime.database.tenant(cooperative.tenant) as session:
        return await alarms.open_alarms(session)


def _tasks(runtime: Runtime) -> list[tuple[str, dict[str, object], object]]:
    with psycopg.connect(runtime.owner_url) as connection:
        found = connection.execute("select task_name, args, scheduled_at from tasks.procrastinate_jobs order by id")
        return [(name, args, at) for name, args, at in found.fetchall()]


async def test_a_message_written_twice_is_sent_once(runtime: Runtime, eure: CooperativeContext) -> None:
    first = await _write_sms(runtime, eure)
    async with runtime.database.tenant(eure.tenant) as session:
        again = await messages.send_sms(
            session, to="+33612345678", body="Autre texte", purpose="case_taken", dedupe_key="case:1:taken"
        )
        assert again is None
        (row,) = await messages.recent_messages(session)
    assert (row.id, row.body, row.state) == (first, "Un artisan est prévenu.", messages.MessageState.QUEUED)
    ((name, args, at),) = _tasks(runtime)
    assert (name, args["message_id"], at) == ("messages.deliver", str(first), None)


async def test_a_message_of_a_transaction_that_fails_is_neither_written_nor_sent(
    runtime: Runtime, eure: CooperativeContext
) -> None:
    with pytest.raises(RuntimeError, match="stop"):
        async with runtime.database.tenant(eure.tenant) as session:
            await messages.send_sms(session, to="+33612345678", body="x", purpose="p", dedupe_key="k")
            raise RuntimeError("stop")
    assert _tasks(runtime) == []


@pytest.mark.parametrize(("to", "body"), [(" ", "texte"), ("+33612345678", "\n")])
async def test_an_empty_message_is_refused(runtime: Runtime, eure: CooperativeContext, to: str, body: str) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        with pytest.raises(Invalid):
            await messages.send_sms(session, to=to, body=body, purpose="p", dedupe_key="k")


async def test_an_email_reaches_the_smtp_server(
    runtime: Runtime, settings: Settings, eure: CooperativeContext, smtp: SmtpServer
) -> None:
    message_id = await _write_mail(runtime, eure)
    row = await _deliver(runtime, eure, _mail(settings, smtp), message_id)
    assert (row.state, row.error, row.provider_reference) == (messages.MessageState.SENT, None, str(message_id))
    assert row.sent_at is not None
    ((sender, recipients, _),) = smtp.received
    assert (sender, recipients) == ("depart@maillage.example", ["ana@client.example"])
    (mail,) = smtp.mails()
    assert str(make_header(decode_header(mail["Subject"]))) == "Votre devis à signer"
    assert mail["Message-ID"] == f"<{message_id}@maillage.example>"
    assert "contact@eure.example" in mail["Reply-To"]
    assert "Dépannage Eure" in str(make_header(decode_header(mail["From"])))
    text = mail.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert "votre devis est prêt" in text.decode()


async def test_a_message_already_sent_is_not_sent_again(
    runtime: Runtime, settings: Settings, eure: CooperativeContext, smtp: SmtpServer
) -> None:
    message_id = await _write_mail(runtime, eure)
    await _deliver(runtime, eure, _mail(settings, smtp), message_id)
    await _deliver(runtime, eure, _mail(settings, smtp), message_id)
    assert len(smtp.received) == 1


@pytest.mark.parametrize("status", [201, 400])
async def test_a_signing_code_is_not_kept_once_sent_or_failed(
    runtime: Runtime,
    settings: Settings,
    eure: CooperativeContext,
    carrier: SmsServer,
    status: int,
) -> None:
    carrier.answers.append((status, {"sid": "SM1"}))
    async with runtime.database.tenant(eure.tenant) as session:
        written = await messages.send_sms(
            session, to="+33612345678", body="123456 est votre code", purpose="signing_code", dedupe_key="code:1"
        )
    assert written is not None
    row = await _deliver(runtime, eure, _sms(settings, carrier), written)
    assert carrier.requests[0][2]["Body"] == "Dépannage Eure : 123456 est votre code"
    assert row.state == (messages.MessageState.SENT if status == 201 else messages.MessageState.FAILED)
    assert "123456" not in row.body and "n’est pas conservé" in row.body


async def test_without_carrier_outside_production_the_mailbox_still_shows_the_code(
    runtime: Runtime, settings: Settings, eure: CooperativeContext
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        written = await messages.send_sms(
            session, to="+33612345678", body="123456 est votre code", purpose="signing_code", dedupe_key="code:1"
        )
    assert written is not None
    assert (await _deliver(runtime, eure, settings, written)).body == "123456 est votre code"


async def test_two_workers_at_once_send_one_text(
    runtime: Runtime, settings: Settings, eure: CooperativeContext, carrier: SmsServer
) -> None:
    message_id = await _write_sms(runtime, eure)
    await asyncio.gather(*(_deliver(runtime, eure, _sms(settings, carrier), message_id) for _ in range(3)))
    assert len(carrier.requests) == 1


async def test_a_refused_recipient_fails_at_once_with_an_alarm(
    runtime: Runtime, settings: Settings, eure: CooperativeContext, smtp: SmtpServer
) -> None:
    smtp.refuse["ana@client.example"] = "550 no such user"
    row = await _deliver(runtime, eure, _mail(settings, smtp), await _write_mail(runtime, eure))
    assert row.state == messages.MessageState.FAILED
    assert "550 no such user" in (row.error or "")
    (alarm,) = await _open_alarms(runtime, eure)
    assert alarm.title == "Courriel non envoyé à ana@client.example"
    assert alarm.subject_id == row.id


async def test_an_address_that_would_forge_headers_is_refused_without_a_connection(
    runtime: Runtime, settings: Settings, eure: CooperativeContext, smtp: SmtpServer
) -> None:
    message_id = await _write_mail(runtime, eure, to="ana@client.example\r\nBcc: tous@client.example")
    row = await _deliver(runtime, eure, _mail(settings, smtp), message_id)
    assert row.state == messages.MessageState.FAILED
    assert smtp.received == []


async def test_a_server_that_says_later_is_tried_again_then_succeeds(
    runtime: Runtime, settings: Settings, eure: CooperativeContext, smtp: SmtpServer, moved_clock: MovableClock
) -> None:
    smtp.refuse["ana@client.example"] = "451 come back later"
    message_id = await _write_mail(runtime, eure)
    row = await _deliver(runtime, eure, _mail(settings, smtp), message_id)
    assert row.state == messages.MessageState.QUEUED
    _, (name, args, at) = _tasks(runtime)
    assert (name, args["message_id"]) == ("messages.deliver", str(message_id))
    assert at == moved_clock.now() + RETRY_AFTER[0]
    smtp.refuse.clear()
    row = await _deliver(runtime, eure, _mail(settings, smtp), message_id)
    assert row.state == messages.MessageState.QUEUED  # too early
    moved_clock.advance(seconds=RETRY_AFTER[0].total_seconds())
    row = await _deliver(runtime, eure, _mail(settings, smtp), message_id)
    assert (row.state, row.error) == (messages.MessageState.SENT, None)


async def test_a_text_reaches_the_carrier(
    runtime: Runtime, settings: Settings, eure: CooperativeContext, carrier: SmsServer
) -> None:
    row = await _deliver(runtime, eure, _sms(settings, carrier), await _write_sms(runtime, eure))
    assert (row.state, row.provider_reference) == (messages.MessageState.SENT, "SM" + "1".rjust(32, "0"))
    ((path, authorization, form),) = carrier.requests
    assert path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert base64.b64decode(authorization.removeprefix("Basic ")).decode() == "AC1:jeton"
    assert form == {"To": "+33612345678", "From": "+33939036612", "Body": "Dépannage Eure : Un artisan est prévenu."}


async def test_a_number_refused_by_the_carrier_fails_at_once(
    runtime: Runtime, settings: Settings, eure: CooperativeContext, carrier: SmsServer
) -> None:
    carrier.answers = [(400, {"code": 21211, "message": "Invalid 'To' Phone Number"})]
    row = await _deliver(runtime, eure, _sms(settings, carrier), await _write_sms(runtime, eure))
    assert row.state == messages.MessageState.FAILED
    assert "Invalid 'To' Phone Number" in (row.error or "")
    (alarm,) = await _open_alarms(runtime, eure)
    assert alarm.title == "SMS non envoyé à 06 12 34 56 78"


@pytest.mark.parametrize("answer", [(503, {}), (429, {"message": "slow"}), (201, {}), (201, ["odd"]), (401, {})])
async def test_a_carrier_in_trouble_is_tried_again(
    runtime: Runtime, settings: Settings, eure: CooperativeContext, carrier: SmsServer, answer: tuple[int, object]
) -> None:
    carrier.answers = [answer]
    message_id = await _write_sms(runtime, eure)
    row = await _deliver(runtime, eure, _sms(settings, carrier), message_id)
    assert row.state == messages.MessageState.QUEUED
    assert row.error
    assert len(_tasks(runtime)) == 2


async def test_after_the_last_attempt_the_message_is_failed_and_the_office_told(
    runtime: Runtime, settings: Settings, eure: CooperativeContext, moved_clock: MovableClock
) -> None:
    dead = SmsServer(url="http://127.0.0.1:9")
    message_id = await _write_sms(runtime, eure)
    for pause in RETRY_AFTER:
        row = await _deliver(runtime, eure, _sms(settings, dead), message_id)
        assert row.state == messages.MessageState.QUEUED
        assert await _open_alarms(runtime, eure) == ()
        moved_clock.advance(seconds=pause.total_seconds())
    row = await _deliver(runtime, eure, _sms(settings, dead), message_id)
    assert row.state == messages.MessageState.FAILED
    assert len(_tasks(runtime)) == 1 + len(RETRY_AFTER)
    (alarm,) = await _open_alarms(runtime, eure)
    assert (alarm.kind, alarm.severity) == ("messages.failed", alarms.Severity.WARNING)


async def test_without_a_carrier_development_says_so(
    runtime: Runtime, settings: Settings, eure: CooperativeContext
) -> None:
    row = await _deliver(runtime, eure, settings, await _write_sms(runtime, eure))
    assert (row.state, row.provider_reference) == (messages.MessageState.SENT, "development")


async def test_without_a_carrier_production_does_not_pretend(
    runtime: Runtime, settings: Settings, eure: CooperativeContext, carrier: SmsServer
) -> None:
    async def attempt(message_id: UUID, with_carrier: bool) -> messages.MessageRow:
        production = settings.model_copy(update={"environment": "production"})
        return await _deliver(runtime, eure, _sms(production, carrier) if with_carrier else production, message_id)

    for key in ("a", "b"):
        row = await attempt(await _write_sms(runtime, eure, key), with_carrier=False)
        assert (row.state, row.sent_at) == (messages.MessageState.FAILED, None)
    (alarm,) = await _open_alarms(runtime, eure)  # one for the cause, not one per message
    assert (alarm.kind, alarm.severity) == ("messages.no_carrier", alarms.Severity.CRITICAL)
    row = await attempt(await _write_sms(runtime, eure, "c"), with_carrier=True)
    assert row.state == messages.MessageState.SENT
    assert await _open_alarms(runtime, eure) == ()


async def test_another_cooperative_does_not_see_the_message(
    runtime: Runtime, settings: Settings, eure: CooperativeContext, seine_maritime: CooperativeContext
) -> None:
    message_id = await _write_sms(runtime, eure)
    await deliver(
        database=runtime.database,
        cooperative=seine_maritime,
        settings=settings,
        carriers=carriers_from(settings),
        message_id=str(message_id),
    )
    async with runtime.database.tenant(seine_maritime.tenant) as session:
        assert await messages.recent_messages(session) == ()
    async with runtime.database.tenant(eure.tenant) as session:
        (row,) = await messages.recent_messages(session, recipient="+33612345678")
        assert row.state == messages.MessageState.QUEUED
        assert await messages.recent_messages(session, intervention_id=uuid4()) == ()


def test_half_set_sms_settings_are_refused_at_start() -> None:
    with pytest.raises(ValidationError, match="go together"):
        SmsSettings(account_sid="AC1")
    assert SmsSettings().account_sid == ""


@pytest.mark.parametrize("url", ["http://mail.example", "smtp://", "mail.example:25"])
def test_an_odd_smtp_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="SMTP_URL"):
        carriers_from(Settings(environment="test", mail=MailSettings(smtp_url=SecretStr(url))))
