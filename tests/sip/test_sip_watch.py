"""The watch call over real SIP: our voice rings the real number from outside, the edge lets it in like anybody's call,
the menu hears its keys, the test artisan's line comes back by the operator too and presses 1."""

from dataclasses import replace
from datetime import timedelta

import pytest

from maillage_app import auditing
from maillage_app.worker import run_handler
from maillage_kit import clock
from maillage_kit.settings import Settings, WatchCallSettings
from maillage_kit.testing.sip_lab import SipLab, wait_until
from maillage_tenants.watch import rules, tasks

pytestmark = [pytest.mark.sip, pytest.mark.slow]
RING_SECONDS = 10
NUMBER = "+33232402727"
WATCH, ARTISAN = "+33188000001", "+33188000002"
ENVIRONMENT = {
    "MAILLAGE_TELEPHONY__WATCH__NUMBER": WATCH,
    "MAILLAGE_TELEPHONY__WATCH__ARTISAN_NUMBER": ARTISAN,
    "MAILLAGE_TELEPHONY__WATCH__EVERY_MINUTES": "1440",  # the worker plans none of its own meanwhile
}


@pytest.fixture(scope="module")
def outside(installation, lab: SipLab) -> None:
    """The operator knows whose numbers these are; somebody is on call, whom no watch call may ring."""
    for number in (NUMBER, ARTISAN):
        lab.operator.brings_back(number, installation.edge.port)
    for ward in installation.wards:
        if ward.key == "1":  # the trade of its keys
            installation.on_call(ward, f"Artisan{ward.sector}")


def due_now(installation) -> Settings:
    """Settings by which the time of this cooperative's watch call has just come, whatever its place in the period."""
    now = clock.now()
    every = next(
        minutes
        for minutes in range(5, 1441)
        if rules.is_due(installation.cooperative.id, last=None, now=now, every=timedelta(minutes=minutes))
    )
    watch = WatchCallSettings(number=WATCH, artisan_number=ARTISAN, every_minutes=every)
    settings: Settings = installation.settings
    return settings.model_copy(update={"telephony": settings.telephony.model_copy(update={"watch": watch})})


def sweep(installation, settings: Settings) -> None:
    """What the worker does each minute; the call is placed by the worker itself."""
    runtime = replace(installation.runtime, settings=settings)
    installation.do(run_handler(runtime, installation.cooperative, tasks.look_for_watch_calls, {}))


def test_a_scheduled_watch_call_goes_out_comes_in_and_is_accepted(installation, lab: SipLab, outside) -> None:
    # One period for the whole story: another one may begin meanwhile, and asks for a call of its own.
    settings = due_now(installation)
    sweep(installation, settings)
    wait_until(
        lambda: installation.rows("select 1 from call_leg where state = 'accepted'"),
        within=60,
        what="the test artisan accepts",
    )
    sweep(installation, settings)
    (run,) = installation.rows("select * from watch_run")
    assert (run["outcome"], run["failure"], run["planned_by"]) == ("success", "", "Maillage")
    assert run["placed_at"] < run["arrived_at"] < run["rang_at"] < run["answered_at"] < run["accepted_at"]

    (call,) = installation.rows("select * from call")
    assert (call["id"], call["caller"], call["watch_id"]) == (run["call_id"], WATCH, run["id"])
    assert [(invite.header("From") or "").partition(";")[0] for invite in lab.operator.invites(NUMBER)] == [
        f"<sip:{WATCH}@127.0.0.1>"
    ]
    wait_until(
        lambda: installation.rows("select 1 from call where outcome = 'accepted'"),
        within=30,
        what="the test artisan hangs up, which ends it",
    )
    assert lab.operator.rung() == [NUMBER, ARTISAN]
    for table in ("intervention", "callback", "message", "alarm"):
        assert installation.rows(f"select * from {table}") == [], table


def test_a_number_that_does_not_answer_is_told_by_a_second_channel(installation, lab: SipLab, outside) -> None:
    """The operator knows the number no more; by then the last success is longer ago than two periods."""
    lab.operator.disconnect(NUMBER)
    for column in ("planned_at", "placed_at", "deadline_at", "accepted_at", "judged_at"):
        installation.execute(f"update watch_run set {column} = {column} - interval '3 days'")
    installation.execute("update watch_setting set enabled_at = enabled_at - interval '3 days'")
    before = len(lab.operator.invites(NUMBER))
    settings = due_now(installation)
    sweep(installation, settings)
    wait_until(lambda: len(lab.operator.invites(NUMBER)) > before, within=30, what="the watch call is placed")
    installation.execute("update watch_run set deadline_at = now() where outcome is null and placed_at is not null")
    sweep(installation, settings)
    (failed,) = installation.rows("select failure from watch_run where outcome = 'failed'")
    assert failed["failure"] == rules.NOT_ARRIVED

    runtime = replace(installation.runtime, settings=settings)
    assert "eure:silence" in installation.do(auditing.audit_everything(runtime))
    alarms = installation.rows("select kind, severity from alarm where resolved_at is null")
    assert {"kind": "watch_silence", "severity": "critical"} in alarms
    wait_until(
        lambda: (
            [
                row["channel"]
                for row in installation.rows(
                    "select channel from message where purpose = 'watch_silence' and state = 'sent' order by channel"
                )
            ]
            == ["email", "sms"]
        ),
        within=30,
        what="the manager is told by text message and the office by e-mail",
    )
