"""The chain of the audit log: what an entry's digest is made of, and where a chain breaks. Pure."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

KEPT = timedelta(days=365)
"""R68: six months to a year."""


@dataclass(frozen=True, slots=True)
class Link:
    """One entry as it is stored. `detail`: the text form that the database gives of it."""

    position: int
    previous: str
    hash: str
    at: datetime
    actor: str
    action: str
    subject_type: str
    subject_id: str
    detail: str


class Fault(StrEnum):
    """What is wrong with the first entry that does not hold."""

    CONTENT = "content"
    LINK = "link"
    GAP = "gap"
    START = "start"
    END = "end"
    UNCHAINED = "unchained"


FAULTS = {
    Fault.CONTENT: "son contenu n’est plus celui qui a été écrit",
    Fault.LINK: "elle ne suit pas l’entrée précédente",
    Fault.GAP: "des entrées manquent avant elle",
    Fault.START: "le début du journal manque sans qu’une purge l’ait dit",
    Fault.END: "des entrées manquent après elle",
    Fault.UNCHAINED: "elle n’a jamais été enchaînée",
}


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place where a chain does not hold."""

    position: int
    fault: Fault

    @property
    def words(self) -> str:
        return f"entrée {self.position} : {FAULTS[self.fault]}"


@dataclass(frozen=True, slots=True)
class End:
    """Where a chain is before, or after, some entries: the last position and its digest."""

    position: int
    hash: str


ORIGIN = End(0, "")


def digest(link: Link) -> str:
    """SHA-256, in hexadecimal, of the digest before, the position, the instant (UTC, microseconds) and the content.

    Each part is written `<length in bytes>:<part>,`, so that no two entries are written alike. The function
    `audit_digest` of the database does the same.
    """
    at = link.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    parts = (
        link.previous, str(link.position), at, link.actor, link.action, link.subject_type, link.subject_id, link.detail,
    )  # fmt: skip
    written = b"".join(b"%d:%b," % (len(raw), raw) for raw in (part.encode() for part in parts))
    return hashlib.sha256(written).hexdigest()


def follow(start: End, links: Iterable[Link]) -> tuple[End, Broken | None]:
    """Walk entries in order from `start`. Returns how far they hold, and the first one that does not."""
    last = start
    for link in links:
        if link.position != last.position + 1:
            return last, Broken(link.position, Fault.GAP)
        if link.previous != last.hash:
            return last, Broken(link.position, Fault.LINK)
        if digest(link) != link.hash:
            return last, Broken(link.position, Fault.CONTENT)
        last = End(link.position, link.hash)
    return last, None
