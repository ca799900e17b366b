"""The journal's chain, the gap report, what is due: pure (R40, R42)."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from maillage_kit.money import Money
from maillage_tenants.customers import ConsumerStatus
from maillage_tenants.invoices.models import InvoiceKind, PaymentMethod
from maillage_tenants.quotes import PricedLine

GENESIS = "0" * 64
"""What the first entry of the journal points to."""

METHOD_LABELS: Mapping[PaymentMethod, str] = {
    PaymentMethod.CARD: "Carte bancaire",
    PaymentMethod.CHEQUE: "Chèque",
    PaymentMethod.CASH: "Espèces",
    PaymentMethod.TRANSFER: "Virement",
    PaymentMethod.ACCOUNT: "En compte",
}
PAYMENT_TERM = timedelta(days=30)
_PROFESSIONAL = frozenset({ConsumerStatus.PROFESSIONAL, ConsumerStatus.PUBLIC, ConsumerStatus.SMALL_PROFESSIONAL})
_NUMBER = re.compile(r"([A-Z]+)-(\d{4})-(\d{6})")


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One entry of the payment journal as it is hashed. `amount` is in cents; corrections and refunds are negative."""

    sequence: int
    id: UUID
    invoice_id: UUID
    method: str
    amount: int
    reference: str
    received_at: datetime
    recorded_by: str
    corrects_id: UUID | None
    previous_hash: str


@dataclass(frozen=True, slots=True)
class JournalCheck:
    """What a verification of the whole journal found. `broken_at`: the sequence number of the first bad entry."""

    entries: int
    total: Money
    last_hash: str
    broken_at: int | None = None
    problem: str = ""

    @property
    def sound(self) -> bool:
        return self.broken_at is None


def entry_hash(entry: JournalEntry) -> str:
    """SHA-256 of the entry's content and of the entry before, over JSON with sorted keys; instants in UTC."""
    content: dict[str, Any] = asdict(entry)
    content["received_at"] = entry.received_at.astimezone(UTC).isoformat()
    canonical = json.dumps(content, default=str, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def check_journal(entries: Iterable[tuple[JournalEntry, str]]) -> JournalCheck:
    """Follow the chain over (entry, stored hash) in order: numbers without gap, links, contents, corrections."""
    previous, count, total = GENESIS, 0, Money.zero()
    amounts: dict[UUID, int] = {}
    for entry, stored in entries:
        problem = ""
        if entry.sequence != count + 1:
            problem = "numéro manquant ou en double"
        elif entry.previous_hash != previous:
            problem = "lien rompu avec l’écriture précédente"
        elif entry_hash(entry) != stored:
            problem = "contenu modifié"
        elif entry.corrects_id is not None and amounts.get(entry.corrects_id) != -entry.amount:
            problem = "correction qui n’annule pas l’écriture corrigée"
        if problem:
            return JournalCheck(count, total, previous, broken_at=entry.sequence, problem=problem)
        count, previous = count + 1, stored
        amounts[entry.id] = entry.amount
        total += Money(entry.amount)
    return JournalCheck(count, total, previous)


def missing_numbers(issued: Iterable[str]) -> tuple[str, ...]:
    """Numbers that a series skipped, per prefix and year; empty when every series is continuous from 1 (R40)."""
    series: dict[tuple[str, str], set[int]] = {}
    for number in issued:
        found = _NUMBER.fullmatch(number)
        if found:
            series.setdefault((found[1], found[2]), set()).add(int(found[3]))
    return tuple(
        f"{prefix}-{year}-{counter:06d}"
        for (prefix, year), counters in sorted(series.items())
        for counter in range(1, max(counters) + 1)
        if counter not in counters
    )


def kind_for(status: ConsumerStatus) -> InvoiceKind:
    """A note for who buys as a private person (R7), an invoice with its terms for a professional (R39)."""
    return InvoiceKind.INVOICE if status in _PROFESSIONAL else InvoiceKind.NOTE


def opposite(lines: Sequence[PricedLine]) -> list[PricedLine]:
    """The lines that cancel these: opposite quantities, same unit prices and rates."""
    return [
        PricedLine(
            item_code=line.item_code,
            label=line.label,
            kind=line.kind,
            scope=line.scope,
            quantity=Decimal(0) - line.quantity,
            unit=line.unit,
            unit_price=line.unit_price,
            net=-line.net,
            vat_basis_points=line.vat_basis_points,
            vat_reason=line.vat_reason,
        )
        for line in lines
    ]
