"""An e-mail that comes back days later is an attempt that failed, and a dead address an alarm of the desk, once."""

import os
import subprocess
import sys
from uuid import UUID

import pytest
from pydantic import SecretStr

from maillage_app.messaging import carriers_of, inbox_of
from maillage_app.runtime import Runtime
from maillage_app.worker import run_handler
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.settings import MailSettings, Settings
from maillage_kit.testing.mail_server import SmtpServer
from maillage_kit.testing.returned_mail import ABSENCE, EXCHANGE, EXIM, POSTFIX, returned
from maillage_tenants import alarms, messages
from maillage_tenants.messages.tasks import deliver

NO_SUCH_USER = {"status": "5.1.1", "said": "smtp; 550 5.1.1 <ana@client.example>: User unknown"}


@pytest.fixture
def settings(settings: Settings, smtp: SmtpServer) -> Settings:
    mail = MailSettings(
        smtp_url=SecretStr(f"smtp://127.0.0.1:{smtp.port}"),
        sender="Maillage <depart@maillage.example>",
        bounces="retours@retours.maillage.example",
    )
    return settings.model_copy(update={"mail": mail})


async def sent(runtime: Runtime, eure: CooperativeContext, smtp: SmtpServer, *, key: str = "1") -> str:
    """A letter about a quote has left; the envelope sender that it left with."""
    async with runtime.database.tenant(eure.tenant) as session:
        written = await messages.send_email(
            session,
            to="ana@client.example",
            subject="Votre devis",
            body="Votre devis est prêt.",
            purpose="quote_ready",
            dedupe_key=f"quote:{key}",
        )
    await worked(runtime, eure, written)
    return smtp.received[-1][0]


async def worked(runtime: Runtime, eure: CooperativeContext, message_id: UUID | None) -> None:
    carriers = carriers_of(runtime.settings)
    await run_handler(runtime, eure, deliver, {"message_id": str(message_id)}, carriers=carriers)


async def only_message(runtime: Runtime, eure: CooperativeContext) -> messages.MessageRow:
    async with runtime.database.tenant(eure.tenant) as session:
        (row,) = await messages.recent_messages(session)
    return row


async def open_alarms(runtime: Runtime, eure: CooperativeContext) -> list[tuple[str, str]]:
    async with runtime.database.tenant(eure.tenant) as session:
        return [(alarm.title, alarm.detail) for alarm in await alarms.open_alarms(session)]


@pytest.mark.parametrize("form", [POSTFIX, EXIM, EXCHANGE], ids=["postfix", "exim", "exchange"])
async def test_a_mailbox_that_does_not_exist_alarms_the_desk_once(
    runtime: Runtime, eure: CooperativeContext, smtp: SmtpServer, moved_clock: MovableClock, form: str
) -> None:
    back = await sent(runtime, eure, smtp)
    assert back.startswith("retours+")
    assert "depart@maillage.example" in smtp.mails()[-1]["From"]
    moved_clock.advance(days=3)
    text = returned(form, to=back, **NO_SUCH_USER)
    inbox = inbox_of(runtime)
    assert await inbox.bounce(text, recipient="")  # by the headers alone
    assert await inbox.bounce(text, recipient=back)
    row = await only_message(runtime, eure)
    await worked(runtime, eure, row.id)
    row = await only_message(runtime, eure)
    assert row.state == messages.MessageState.FAILED
    ((title, detail),) = await open_alarms(runtime, eure)
    assert title == "Courriel non envoyé à ana@client.example"
    assert "User unknown" in detail
    assert detail.endswith("Demandez la nouvelle.")
    assert len(smtp.received) == 1


async def test_a_full_mailbox_fails_the_message_and_the_address_lives(
    runtime: Runtime, eure: CooperativeContext, smtp: SmtpServer
) -> None:
    back = await sent(runtime, eure, smtp)
    text = returned(POSTFIX, to=back, status="5.2.2", said="smtp; 552 5.2.2 Mailbox full")
    assert await inbox_of(runtime).bounce(text, recipient=back)
    row = await only_message(runtime, eure)
    await worked(runtime, eure, row.id)
    assert (await only_message(runtime, eure)).state == messages.MessageState.FAILED
    async with runtime.database.tenant(eure.tenant) as session:
        assert await messages.dead_addresses(session, addresses=["ana@client.example"]) == {}
    ((_, detail),) = await open_alarms(runtime, eure)
    assert "Mailbox full" in detail


async def test_what_tells_of_no_failure_of_ours_changes_nothing(
    runtime: Runtime, eure: CooperativeContext, smtp: SmtpServer
) -> None:
    back = await sent(runtime, eure, smtp)
    inbox = inbox_of(runtime)
    forged = back[:10] + ("a" if back[10] != "a" else "b") + back[11:]
    for text, recipient in (
        (returned(ABSENCE, to=back), back),
        (returned(POSTFIX, to=back, action="delayed", status="4.4.1", said="later"), back),
        (returned(POSTFIX, to=forged, **NO_SUCH_USER), forged),
        (returned(POSTFIX, to="depart@maillage.example", **NO_SUCH_USER), ""),
    ):
        assert not await inbox.bounce(text, recipient=recipient)
    assert (await only_message(runtime, eure)).state == messages.MessageState.SENT
    assert await open_alarms(runtime, eure) == []


async def test_the_mail_server_runs_the_command_and_is_told_to_come_again(
    runtime: Runtime, eure: CooperativeContext, smtp: SmtpServer
) -> None:
    back = await sent(runtime, eure, smtp)
    text = returned(POSTFIX, to=back, **NO_SUCH_USER)
    database = runtime.settings.database
    environment = {
        **os.environ,
        "MAILLAGE_ENVIRONMENT": "test",
        "MAILLAGE_DATABASE__URL": database.url or "",
        "MAILLAGE_DATABASE__APP_URL": database.app_url or "",
        "MAILLAGE_MAIL__BOUNCES": "retours@retours.maillage.example",
    }

    def run(**more: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "maillage_app.cli", "mail", "bounce", back]
        done = subprocess.run(command, input=text, env={**environment, **more}, capture_output=True, check=False)
        return done.returncode, done.stdout.decode()

    nowhere = "postgresql://maillage@127.0.0.1:1/maillage"
    assert run(MAILLAGE_DATABASE__APP_URL=nowhere, MAILLAGE_DATABASE__URL=nowhere)[0] == 75
    assert run() == (0, "Noté.\n")
    async with runtime.database.tenant(eure.tenant) as session:
        assert "ana@client.example" in await messages.dead_addresses(session, addresses=["ana@client.example"])
