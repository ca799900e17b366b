"""What is due now for one message: its state is read from its attempts, decided by `rules.chain`, and written back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from maillage_hooks.bands import public_holiday
from maillage_kit import clock, outside
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.ids import new_id
from maillage_kit.phone import show_phone
from maillage_kit.settings import Settings
from maillage_tenants import alarms
from maillage_tenants.messages import addresses, queries, rules
from maillage_tenants.messages.carriers.ports import Carriers
from maillage_tenants.messages.gifts import DEVELOPMENT, Gift, Outcome
from maillage_tenants.messages.models import (
    AttemptState,
    Channel,
    Failure,
    Message,
    MessageAttempt,
    MessageState,
    PushSubscription,
    Urgency,
)
from maillage_tenants.messages.rules import RETRY_AFTER, Reach, Step, Unless
from maillage_tenants.messages.service import DELIVER
from maillage_tenants.messages.words import template

ONE_TIME = frozenset({"signing_code"})
"""Purposes whose text holds a secret of a few minutes: once it has left, or can no longer leave, it is not kept."""
FORGOTTEN = "Code à usage unique : le texte n’est pas conservé."
_TAKEN = (AttemptState.GIVEN, AttemptState.DELIVERED)
_OVER = (MessageState.FAILED, MessageState.EXPIRED)
_MAX_ERROR = 300


class _Now:
    """One look at one message: what there is, and what is found to be due."""

    def __init__(
        self,
        message: Message,
        attempts: Sequence[MessageAttempt],
        subscriptions: Sequence[PushSubscription],
        carriers: Carriers,
        in_production: bool,
    ) -> None:
        self.at = clock.now()
        self.message = message
        self.attempts = list(attempts)
        self.subscriptions = subscriptions
        self.carriers = carriers
        self.in_production = in_production
        self.started: list[MessageAttempt] = []
        self.fresh: list[MessageAttempt] = []
        self.resumed: dict[UUID, datetime] = {}
        self.wakes: list[datetime] = []
        self.unset: list[Channel] = []

    def of(self, channel: Channel) -> list[MessageAttempt]:
        return [attempt for attempt in self.attempts if attempt.channel == channel]

    def carriers_of(self, channel: Channel) -> tuple[str, ...]:
        """Who can be asked, in order of preference; outside production, nobody's stand-in."""
        names: tuple[str, ...] = ()
        match channel:
            case Channel.SMS:
                names = tuple(sender.name for sender in self.carriers.sms)
            case Channel.PUSH if self.carriers.push:
                names = ("webpush",)
            case Channel.EMAIL if self.carriers.mail:
                names = ("smtp",)
            case Channel.CALL if self.carriers.caller:
                names = (self.carriers.caller.name,)
        return names or (() if self.in_production else (DEVELOPMENT,))


async def advance(
    session: TenantSession,
    *,
    message_id: UUID,
    carriers: Carriers,
    cooperative: CooperativeContext,
    settings: Settings,
) -> tuple[Gift, ...]:
    """Write as `giving` every attempt that is due and return them; ask for the next look; settle the message's state.

    Nothing for a message that is unknown, failed or settled. What is routine waits for the end of quiet hours and for
    its place under the hourly limit; an emergency is never held back.
    """
    message = await session.scalar(sa.select(Message).where(Message.id == message_id).with_for_update())
    if message is None or message.state in _OVER:
        return ()
    now = _Now(
        message,
        await queries.attempts_of(session, message_id=message_id),
        await queries.live_subscriptions(session, technician_id=message.technician_id) if message.technician_id else (),
        carriers,
        settings.in_production,
    )
    _resume(now)
    if message.settled_at is None and not await _held(session, now, cooperative):
        _walk(now, await _steps(session, now))
    await _conclude(session, now)
    await session.flush()
    return tuple(_gift(now, attempt) for attempt in now.started)


def _resume(now: _Now) -> None:
    """Attempts that somebody was making: left alone while they may still be, taken over after that."""
    for attempt in now.attempts:
        if attempt.state != AttemptState.GIVING:
            continue
        until = attempt.started_at + rules.GIVING_LASTS
        if until > now.at:
            now.wakes.append(until)
        elif now.message.settled_at is not None:
            attempt.state, attempt.ended_at = AttemptState.EXPIRED, now.at
        else:
            now.resumed[attempt.id] = attempt.started_at
            attempt.started_at = now.at
            now.started.append(attempt)


async def _held(session: TenantSession, now: _Now, cooperative: CooperativeContext) -> bool:
    """Whether what is routine has to wait: only what rings, and only before its first attempt."""
    message = now.message
    if message.urgency != Urgency.ROUTINE or message.channel == Channel.EMAIL or now.attempts:
        return False
    policy = await queries.policy(session)
    until = rules.quiet_until(now.at, policy, holiday=lambda day: bool(public_holiday(day, cooperative.department)))
    reason = "Heures calmes"
    if until is None:
        until = await queries.room_for_routine(session, recipient=message.recipient, at=now.at, policy=policy)
        reason = f"Déjà {policy.routine_per_hour} messages en une heure"
    if until is None:
        message.held_until = message.held_reason = None
        return False
    message.state, message.held_until, message.held_reason = MessageState.HELD, until, reason
    now.wakes.append(until)
    return True


async def _steps(session: TenantSession, now: _Now) -> tuple[Step, ...]:
    message = now.message
    sms = message.channel == Channel.SMS
    if sms and not message.service and await addresses.is_stopped(session, phone=message.recipient):
        message.error = "STOP : cette personne ne veut plus de ces messages"
        return ()
    emergency = message.urgency == Urgency.EMERGENCY
    reach = Reach(
        push=bool(now.subscriptions) and bool(now.carriers.push),
        sms=sms,
        call=sms and emergency and now.carriers.caller is not None,
        email=not sms or bool(message.email),
    )
    wishes = await queries.wishes(session, technician_id=message.technician_id)
    steps = rules.chain(Urgency(message.urgency), reach, wishes, technician=message.technician_id is not None)
    usable = []
    for step in steps:
        if now.carriers_of(step.channel):
            usable.append(step)
        elif not step.copy:
            now.unset.append(step.channel)
    return tuple(usable)


def _walk(now: _Now, steps: Sequence[Step]) -> None:
    """Start what is due, note when to look again."""
    message, emergency = now.message, now.message.urgency == Urgency.EMERGENCY
    broken = True  # whether every step so far is in trouble: then the next one does not wait
    for place, step in enumerate(steps):
        tries = now.of(step.channel)
        if not tries:
            if step.unless is not None and _is(now, step.unless):
                continue
            due = message.created_at + step.after
            sequential = not emergency and not step.copy
            if step.copy or broken or (not sequential and now.at >= due):
                _begin(now, step, place)
                broken = broken and step.copy
            elif not sequential:
                now.wakes.append(due)
                broken = False
            continue
        _again(now, step, place, tries)
        if not step.copy:
            tries = now.of(step.channel)
            trouble = all(attempt.state in (AttemptState.FAILED, AttemptState.EXPIRED) for attempt in tries)
            hopeless = trouble and not _may_retry(now, step.channel, tries)
            broken = broken and (trouble if emergency else hopeless)


def _begin(now: _Now, step: Step, place: int) -> None:
    carrier = now.carriers_of(step.channel)[0]
    if step.channel is Channel.PUSH:
        for subscription in now.subscriptions:
            _start(now, step.channel, place, carrier, subscription.device or "Téléphone", subscription=subscription)
        return
    _start(now, step.channel, place, carrier, _address(now.message, step.channel))


def _again(now: _Now, step: Step, place: int, tries: Sequence[MessageAttempt]) -> None:
    """Another try of this step: with the next carrier at once, with the first again after a while."""
    lines = {attempt.subscription_id for attempt in tries}
    for line in lines:
        mine = [attempt for attempt in tries if attempt.subscription_id == line]
        following = _following(now, step.channel, mine)
        if following is None:
            continue
        carrier, tour, due = following
        if due > now.at:
            now.wakes.append(due)
            continue
        subscription = next((found for found in now.subscriptions if found.id == line), None)
        if line is not None and subscription is None:
            continue
        _start(now, step.channel, place, carrier, mine[-1].address, tour=tour, subscription=subscription)


def _may_retry(now: _Now, channel: Channel, tries: Sequence[MessageAttempt]) -> bool:
    lines = {attempt.subscription_id for attempt in tries}
    return any(
        _following(now, channel, [attempt for attempt in tries if attempt.subscription_id == line]) for line in lines
    )


def _following(now: _Now, channel: Channel, tries: Sequence[MessageAttempt]) -> tuple[str, int, datetime] | None:
    """Carrier, tour and moment of the next try of one address; None when it is under way, done or hopeless."""
    last = tries[-1]
    if any(attempt.state in (AttemptState.GIVING, *_TAKEN) for attempt in tries) or last.failure in (
        Failure.DEAD,
        Failure.UNDELIVERED,
    ):
        return None
    refused = {attempt.carrier for attempt in tries if attempt.failure == Failure.REFUSED}
    asked = {attempt.carrier for attempt in tries if attempt.round == last.round}
    able = [name for name in now.carriers_of(channel) if name not in refused]
    fresh = next((name for name in able if name not in asked), None)
    if fresh is not None:
        return fresh, last.round, now.at
    if not able or last.round >= len(RETRY_AFTER):
        return None
    due = (last.ended_at or now.at) + RETRY_AFTER[last.round]
    useful_until = now.message.created_at + max(template(now.message.purpose).lasts, timedelta(minutes=30))
    return (able[0], last.round + 1, due) if due < useful_until else None


def _start(
    now: _Now,
    channel: Channel,
    place: int,
    carrier: str,
    address: str,
    *,
    tour: int = 0,
    subscription: PushSubscription | None = None,
) -> None:
    attempt = MessageAttempt(
        id=new_id(),
        message_id=now.message.id,
        step=place,
        round=tour,
        channel=channel,
        carrier=carrier,
        address=address,
        subscription_id=subscription.id if subscription else None,
        state=AttemptState.GIVING,
        started_at=now.at,
    )
    now.attempts.append(attempt)
    now.started.append(attempt)
    now.fresh.append(attempt)


def _is(now: _Now, condition: Unless) -> bool:
    proofs = [attempt for attempt in now.attempts if attempt.state in (AttemptState.GIVING, *_TAKEN)]
    match condition:
        case Unless.SHOWN:
            return any(a.channel == Channel.PUSH and a.state == AttemptState.DELIVERED for a in proofs)
        case Unless.DELIVERED:
            return any(attempt.state == AttemptState.DELIVERED for attempt in proofs)
        case Unless.SENT:
            return bool(proofs)


async def _conclude(session: TenantSession, now: _Now) -> None:
    """The state of the message, from its attempts; the next look; the alarms."""
    message = now.message
    session.add_all(now.fresh)
    await session.flush()
    proofs = [attempt for attempt in now.attempts if not _copy(now, attempt)]
    if message.state == MessageState.HELD and message.held_until is not None and message.settled_at is None:
        pass
    elif any(attempt.state == AttemptState.DELIVERED for attempt in proofs):
        message.state = MessageState.DELIVERED
    elif any(attempt.state == AttemptState.GIVEN for attempt in proofs):
        message.state = MessageState.SENT
    elif now.started or now.wakes:
        message.state = MessageState.QUEUED
    elif message.settled_at is not None:
        message.state = MessageState.SENT if message.sent_at else MessageState.EXPIRED
    else:
        await _fail(session, now)
    if now.wakes and not now.started:
        await outside.defer(session, DELIVER, {"message_id": message.id}, run_at=min(now.wakes))


def _copy(now: _Now, attempt: MessageAttempt) -> bool:
    return (
        now.message.urgency == Urgency.EMERGENCY
        and attempt.channel == Channel.EMAIL
        and now.message.channel != Channel.EMAIL
    )


async def _fail(session: TenantSession, now: _Now) -> None:
    message = now.message
    last = now.attempts[-1] if now.attempts else None
    message.state = MessageState.FAILED
    message.error = ((last.error or last.receipt) if last else message.error) or message.error
    forget(message)
    if now.unset and last is None:
        message.error = "aucun opérateur n’est configuré"
        for channel in now.unset:
            await _no_carrier(session, channel)
        return
    stopped = last is None and (message.error or "").startswith("STOP")
    dead = any(attempt.failure == Failure.DEAD for attempt in now.attempts)
    if stopped or (dead and message.urgency != Urgency.EMERGENCY):
        return  # the address has its own alarm
    sms = message.channel == Channel.SMS
    recipient = show_phone(message.recipient) if sms else message.recipient
    await alarms.raise_alarm(
        session,
        kind="messages.failed",
        severity=alarms.Severity.CRITICAL if message.urgency == Urgency.EMERGENCY else alarms.Severity.WARNING,
        title=f"{'SMS' if sms else 'Courriel'} non envoyé à {recipient}",
        detail=message.error or "",
        link=f"/cases/{message.intervention_id}" if message.intervention_id else f"/messages/{message.id}",
        dedupe_key=f"messages.failed:{message.id}",
        subject_id=message.id,
    )


async def _no_carrier(session: TenantSession, channel: Channel) -> None:
    what = "SMS" if channel == Channel.SMS else "courriels"
    await alarms.raise_alarm(
        session,
        kind="messages.no_carrier",
        severity=alarms.Severity.CRITICAL,
        title=f"Les {what} ne partent pas",
        detail=f"Aucun opérateur n’est configuré pour les {what}. Prévenez la fédération.",
        dedupe_key=f"messages.no_carrier:{channel}",
    )


def forget(message: Message) -> None:
    if message.purpose in ONE_TIME:
        message.body = FORGOTTEN


def _address(message: Message, channel: Channel) -> str:
    return message.recipient if channel != Channel.EMAIL or message.channel == Channel.EMAIL else message.email or ""


def _gift(now: _Now, attempt: MessageAttempt) -> Gift:
    message = now.message
    subscription = next((found for found in now.subscriptions if found.id == attempt.subscription_id), None)
    return Gift(
        attempt_id=attempt.id,
        message_id=message.id,
        channel=Channel(attempt.channel),
        carrier=attempt.carrier,
        address=attempt.address,
        purpose=message.purpose,
        urgent=message.urgency != Urgency.ROUTINE,
        subject=message.subject,
        body=message.body,
        glance=message.glance,
        link=message.link,
        subscription=(subscription.endpoint, subscription.key, subscription.secret) if subscription else None,
        resumed=now.resumed.get(attempt.id),
    )


async def note(session: TenantSession, outcomes: Sequence[Outcome]) -> None:
    """Write down what carriers said. A receipt that came before is not undone: good news stay."""
    at = clock.now()
    for outcome in outcomes:
        message, attempt = await queries.locked_attempt(session, attempt_id=outcome.attempt_id)
        if attempt.provider_reference is not None:
            continue
        attempt.segments = outcome.segments
        if outcome.reference is None:
            attempt.state, attempt.failure, attempt.ended_at = AttemptState.FAILED, outcome.failure, at
            attempt.error = message.error = outcome.error[:_MAX_ERROR]
            if outcome.failure is Failure.DEAD:
                await addresses.bury(session, attempt, reason=attempt.error, at=at)
            continue
        attempt.provider_reference, attempt.given_at = outcome.reference, at
        if attempt.state == AttemptState.GIVING:
            attempt.state = AttemptState.GIVEN
        message.sent_at = message.sent_at or at
        message.provider_reference = outcome.reference
        message.error = None
        if attempt.carrier != DEVELOPMENT:
            forget(message)  # in the development mailbox, where nothing leaves, the code is read
            await alarms.resolve_alarm(session, dedupe_key=f"messages.no_carrier:{attempt.channel}", by="messages")
            if attempt.channel != Channel.SMS:  # the network tells later whether a number exists
                await addresses.revive(session, attempt)
    await session.flush()
