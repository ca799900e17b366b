"""What comes from carriers for everybody: which cooperative it is for, then its own transaction."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog

from maillage_kit import clock
from maillage_kit.context import CooperativeContext
from maillage_kit.db import Database, TenantSession, insert_once
from maillage_kit.errors import NotFound
from maillage_kit.settings import Settings
from maillage_tenants.messages import bounces, queries, receipts
from maillage_tenants.messages.carriers.ports import Receipt, Reply
from maillage_tenants.messages.models import MessageReply
from maillage_tenants.messages.rules import meaning_of

log = structlog.get_logger(__name__)
KNOWN_SINCE = timedelta(days=30)
_COMMITTED_WITHIN = (0.0, 0.1, 0.4, 1.5)
"""A receipt may overtake the transaction that notes its reference."""


class UnknownReference(Exception):
    """No attempt has this reference: the carrier is asked to come again."""


class Directory(Protocol):
    async def all(self) -> Sequence[CooperativeContext]: ...


class Answers(Protocol):
    """What replies mean to the domains above: `concerned` when this number is expected to answer something now;
    `answer` acts on a reply and returns what came of it in words, and the case it was about."""

    async def concerned(self, session: TenantSession, *, phone: str) -> bool: ...

    async def answer(
        self,
        session: TenantSession,
        *,
        cooperative: CooperativeContext,
        settings: Settings,
        reply_id: UUID,
        reply: Reply,
    ) -> tuple[str, UUID | None]: ...


@dataclass(frozen=True, eq=False)
class Inbox:
    """One process's ear. Receipts without a cooperative in their address and replies are looked for in each."""

    database: Database
    directory: Directory
    settings: Settings
    answers: Answers

    async def receipt(self, receipt: Receipt) -> None:
        """Note a receipt known by its carrier's reference. Raises UnknownReference."""
        for pause in _COMMITTED_WITHIN:
            await asyncio.sleep(pause)
            for cooperative in await self.directory.all():
                async with self.database.tenant(cooperative.tenant) as session:
                    attempt_id = await queries.attempt_by_reference(
                        session, carrier=receipt.carrier, references=(receipt.reference, *receipt.also)
                    )
                    if attempt_id is not None:
                        await receipts.note_receipt(session, attempt_id=attempt_id, receipt=receipt)
                        return
        log.warning("receipt_of_unknown_message", carrier=receipt.carrier, reference=receipt.reference)
        raise UnknownReference(receipt.reference)

    async def receipt_for(self, cooperative_id: UUID, attempt_id: UUID, receipt: Receipt) -> None:
        """Note a receipt whose address names the attempt. Raises NotFound."""
        cooperative = next((found for found in await self.directory.all() if found.id == cooperative_id), None)
        if cooperative is None:
            raise UnknownReference(str(cooperative_id))
        async with self.database.tenant(cooperative.tenant) as session:
            await receipts.note_receipt(session, attempt_id=attempt_id, receipt=receipt)

    async def bounce(self, text: bytes, *, recipient: str) -> bool:
        """Hear an e-mail that came to the address of returns, `recipient` as the mail server names it. True when it
        told of an attempt; any other mail changes nothing: an absence, a delay, a made-up or forgotten address."""
        message, bounce = bounces.read_bounce(text)
        named = (bounces.attempt_of(self.settings, address) for address in bounces.came_back(message, recipient))
        attempt_id = next((found for found in named if found is not None), None)
        if attempt_id is None or bounce is None:
            log.info("mail_not_a_bounce", ours=attempt_id is not None, report=bounce is not None)
            return False
        for cooperative in await self.directory.all():
            async with self.database.tenant(cooperative.tenant) as session:
                with contextlib.suppress(NotFound):
                    await receipts.note_receipt(session, attempt_id=attempt_id, receipt=bounce.receipt)
                    return True
        log.warning("bounce_of_unknown_message", attempt=str(attempt_id))
        return False

    async def reply(self, reply: Reply) -> None:
        """Hear a text message: the cooperative that expects an answer of this number, else the one that wrote to it
        last. Heard twice, it changes nothing. A number that nobody knows is logged."""
        cooperative = await self._addressee(reply)
        if cooperative is None:
            return
        async with self.database.tenant(cooperative.tenant) as session:
            meaning = meaning_of(reply.body)
            reply_id = await insert_once(
                session,
                MessageReply,
                unique=[MessageReply.carrier, MessageReply.provider_reference],
                carrier=reply.carrier,
                provider_reference=reply.reference,
                sender=reply.sender,
                body=reply.body[:1000],
                meaning=meaning,
                outcome="",
                received_at=reply.at,
            )
            if reply_id is None:
                return
            outcome, case_id = await self.answers.answer(
                session, cooperative=cooperative, settings=self.settings, reply_id=reply_id, reply=reply
            )
            row = await session.get_one(MessageReply, reply_id)
            row.outcome, row.intervention_id = outcome, case_id

    async def _addressee(self, reply: Reply) -> CooperativeContext | None:
        everybody = await self.directory.all()
        ranked: list[tuple[bool, datetime, CooperativeContext]] = []
        since = clock.now() - KNOWN_SINCE
        for cooperative in everybody:
            async with self.database.tenant(cooperative.tenant) as session:
                if await queries.knows_reply(session, carrier=reply.carrier, reference=reply.reference):
                    return None
                told = await queries.last_case_told(session, phone=reply.sender, since=since)
                expected = await self.answers.concerned(session, phone=reply.sender)
            if expected or told is not None:
                ranked.append((expected, told[0] if told else since, cooperative))
        if ranked:
            return max(ranked, key=lambda entry: entry[:2])[2]
        if len(everybody) == 1:
            return everybody[0]
        log.warning("reply_of_stranger", carrier=reply.carrier)
        return None
