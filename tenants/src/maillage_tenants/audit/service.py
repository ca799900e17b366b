"""Acts on the audit log: adding to it, verifying its chain, forgetting what the law lets nobody keep (R68)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.outside import to_json
from maillage_tenants.audit import queries
from maillage_tenants.audit.models import AuditEntry
from maillage_tenants.audit.rules import KEPT, ORIGIN, Broken, End, Fault, follow

_AT_ONCE = 5000
_FORGET = sa.text("select through, hash, entries from forget_audit(:older_than)")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A chain walked from its first kept entry to its end. `entries`: how many held."""

    entries: int
    end: End
    broken: Broken | None


async def record(
    session: TenantSession,
    *,
    actor: str,
    action: str,
    subject_type: str,
    subject_id: object,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write who did what to what, in the transaction that does it; the entry is chained when that commits.

    `action` is a verb of the domain (`customers.read_access_notes`); `detail` holds ids and codes, never the sensitive
    text itself. Raises TypeError for a value that has no JSON form.
    """
    session.add(
        AuditEntry(
            at=clock.now(),
            actor=actor,
            action=action,
            subject_type=subject_type,
            subject_id=str(subject_id),
            detail=json.loads(json.dumps(dict(detail or {}), default=to_json)),
        )
    )
    await session.flush()


async def verify(session: TenantSession) -> Verdict:
    """Compute every digest again, in order, and compare the end with what the database keeps of it.

    A log whose beginning was purged starts where the last purge says, with the digest that the purge wrote down.
    """
    end = await queries.head(session)  # first: entries added meanwhile are then beyond it, never missing
    purged = await queries.last_purge(session)
    start = End(int(purged["through"]), str(purged["hash"])) if purged else ORIGIN
    first = await queries.links(session, after=0, limit=1)
    if first and first[0].position <= start.position:
        return Verdict(0, ORIGIN, Broken(first[0].position, Fault.START))
    if first and first[0].position != start.position + 1:
        return Verdict(0, start, Broken(first[0].position, Fault.START))
    last = start
    while last.position < end.position:
        found = await queries.links(session, after=last.position, limit=_AT_ONCE)
        found = [link for link in found if link.position <= end.position]
        if not found:
            break
        last, broken = follow(last, found)
        if broken:
            return Verdict(last.position - start.position, last, broken)
    if last != end:
        return Verdict(last.position - start.position, last, Broken(last.position, Fault.END))
    if await queries.unchained(session):
        return Verdict(last.position - start.position, last, Broken(last.position + 1, Fault.UNCHAINED))
    return Verdict(last.position - start.position, last, None)


async def purge(session: TenantSession, *, at: datetime) -> int:
    """Forget the beginning of the log that is older than a year (R68). Returns how many entries went.

    The purge is an entry itself and writes down the last position and digest that went: the rest still verifies. The
    database refuses to forget anything younger than six months.
    """
    oldest = await queries.oldest(session)
    if oldest is None or oldest >= at - KEPT:
        return 0
    through, digest, entries = (await session.execute(_FORGET, {"older_than": at - KEPT})).one()
    if entries:
        await record(
            session,
            actor="Maillage",
            action=queries.PURGED,
            subject_type="audit",
            subject_id=through,
            detail={"through": through, "hash": digest, "entries": entries},
        )
    return int(entries)
