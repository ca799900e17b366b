"""The payment journal's chain and the gap report: any tampering is found (R40, R42)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maillage_hooks.types import LineKind, UrgencyScope
from maillage_kit.money import Money
from maillage_tenants.customers import ConsumerStatus
from maillage_tenants.invoices import InvoiceKind
from maillage_tenants.invoices.rules import (
    GENESIS,
    JournalEntry,
    check_journal,
    entry_hash,
    kind_for,
    missing_numbers,
    opposite,
)
from maillage_tenants.quotes import PricedLine, VatReason, line_totals


def chain(amounts: list[int]) -> list[tuple[JournalEntry, str]]:
    entries: list[tuple[JournalEntry, str]] = []
    previous = GENESIS
    for sequence, amount in enumerate(amounts, start=1):
        entry = JournalEntry(
            sequence=sequence,
            id=UUID(int=sequence),
            invoice_id=UUID(int=1000),
            method="card",
            amount=amount,
            reference=f"r{sequence}",
            received_at=datetime(2027, 3, 1, tzinfo=UTC) + timedelta(minutes=sequence),
            recorded_by="Hélène",
            corrects_id=None,
            previous_hash=previous,
        )
        previous = entry_hash(entry)
        entries.append((entry, previous))
    return entries


@given(st.lists(st.integers(-10_000, 10_000), max_size=30))
def test_an_honest_journal_is_sound(amounts: list[int]) -> None:
    found = check_journal(chain(amounts))
    assert found.sound
    assert (found.entries, found.total) == (len(amounts), Money(sum(amounts)))


@given(st.lists(st.integers(1, 10_000), min_size=2, max_size=20), st.data())
def test_whatever_is_touched_is_found(amounts: list[int], data: st.DataObject) -> None:
    entries = chain(amounts)
    index = data.draw(st.integers(0, len(entries) - 1))
    entry, stored = entries[index]
    change: dict[str, Any] = data.draw(
        st.sampled_from(
            [
                {"amount": entry.amount + 1},
                {"method": "cash"},
                {"reference": "autre"},
                {"received_at": entry.received_at + timedelta(seconds=1)},
                {"recorded_by": "Paul"},
                {"invoice_id": UUID(int=2)},
            ]
        )
    )
    entries[index] = (replace(entry, **change), stored)
    assert check_journal(entries).broken_at == entry.sequence


@given(st.lists(st.integers(1, 10_000), min_size=3, max_size=20), st.data())
def test_an_entry_taken_out_is_found(amounts: list[int], data: st.DataObject) -> None:
    entries = chain(amounts)
    del entries[data.draw(st.integers(0, len(entries) - 2))]
    assert not check_journal(entries).sound


def test_rewriting_an_entry_with_its_hash_breaks_the_next_link() -> None:
    entries = chain([100, 200, 300])
    forged = replace(entries[0][0], amount=1)
    entries[0] = (forged, entry_hash(forged))
    found = check_journal(entries)
    assert (found.broken_at, found.problem) == (2, "lien rompu avec l’écriture précédente")


def test_a_correction_must_cancel_what_it_corrects() -> None:
    entries = chain([100])
    wrong = replace(chain([100, -50])[1][0], corrects_id=UUID(int=1), previous_hash=entries[0][1], amount=-50)
    entries.append((wrong, entry_hash(wrong)))
    assert check_journal(entries).broken_at == 2
    right = replace(wrong, amount=-100)
    entries[-1] = (right, entry_hash(right))
    assert check_journal(entries).sound
    assert check_journal(entries).total == Money.zero()


@pytest.mark.parametrize(
    ("issued", "missing"),
    [
        ([], ()),
        (["F-2027-000001", "F-2027-000002"], ()),
        (["F-2027-000003", "F-2027-000001"], ("F-2027-000002",)),
        (["F-2027-000002", "A-2027-000001", "F-2028-000001"], ("F-2027-000001",)),
    ],
)
def test_the_gap_report(issued: list[str], missing: tuple[str, ...]) -> None:
    assert missing_numbers(issued) == missing


@given(
    st.lists(
        st.tuples(
            st.integers(0, 5_000_000),
            st.decimals(min_value=0, max_value=500, places=3),
            st.sampled_from([550, 1000, 2000]),
        ),
        min_size=1,
        max_size=15,
    )
)
def test_a_credit_note_cancels_to_the_cent(drafts) -> None:
    """R40: rate by rate, whatever the roundings."""
    lines = [
        PricedLine(
            item_code="X",
            label="x",
            kind=LineKind.PART,
            scope=UrgencyScope.STRICTLY_NECESSARY,
            quantity=quantity,
            unit="u",
            unit_price=Money(price),
            net=Money(price).times(quantity),
            vat_basis_points=rate,
            vat_reason=VatReason.TRAVEL_ALONE,
        )
        for price, quantity, rate in drafts
    ]
    note, credit = line_totals(lines), line_totals(opposite(lines))
    assert note.gross + credit.gross == Money.zero()
    assert note.net + credit.net == Money.zero()
    for mine, theirs in zip(note.parts, credit.parts, strict=True):
        assert (mine.base + theirs.base, mine.amount + theirs.amount) == (Money.zero(), Money.zero())
    for line in opposite(lines):
        assert line.net == line.unit_price.times(line.quantity)
        assert line.quantity == Decimal(0) or line.quantity.is_signed()


def test_who_gets_a_note_and_who_an_invoice() -> None:
    assert kind_for(ConsumerStatus.CONSUMER) is InvoiceKind.NOTE
    assert kind_for(ConsumerStatus.NON_PROFESSIONAL) is InvoiceKind.NOTE
    assert kind_for(ConsumerStatus.PROFESSIONAL) is InvoiceKind.INVOICE
    assert kind_for(ConsumerStatus.PUBLIC) is InvoiceKind.INVOICE
