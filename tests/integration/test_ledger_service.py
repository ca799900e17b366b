"""The members' ledger: one entry per document, by trade, reversed by the credit note's (R56)."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.money import Money
from maillage_kit.pages import PageRequest
from maillage_tenants import invoices, ledger
from maillage_tenants.invoices import InvoiceNotFound, InvoiceView


async def billed(repair: Any, session: TenantSession) -> InvoiceView:
    drafted = await repair.draft(session)
    assert drafted.emergency is not None
    await repair.send(session, drafted.emergency)
    await repair.sign(session, drafted.emergency, certified=True)
    await repair.finish(session)
    return await invoices.issue_note(session, cooperative=repair.cooperative, case_id=repair.case_id, by="Karim Benali")


async def test_a_case_is_credited_once_excluding_vat(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        note = await billed(leak, session)
        first = await ledger.credit_case(session, case_id=leak.case_id, invoice_id=note.id)
        assert await ledger.credit_case(session, case_id=leak.case_id, invoice_id=note.id) == first
        page = await ledger.statement(session, member_id=leak.member_id, request=PageRequest())
        assert [(line.amount, line.trade, line.invoice_number) for line in page.items] == [
            (note.totals.net, "plumbing", note.number)
        ]


async def test_each_trade_has_its_own_account(new_repair) -> None:
    plumbing = await new_repair()
    locksmith = await new_repair(trade="locksmith", type_code="PORTE_CLAQUEE")
    async with plumbing.runtime.database.tenant(plumbing.cooperative.tenant) as session:
        nets = {}
        for repair, trade in ((plumbing, "plumbing"), (locksmith, "locksmith")):
            note = await billed(repair, session)
            nets[trade] = note.totals.net
            await ledger.credit_case(session, case_id=repair.case_id, invoice_id=note.id)
        assert await ledger.sums_by_trade(session, member_id=plumbing.member_id) == nets
        assert await ledger.sums_by_member(session) == {
            (plumbing.member_id, trade): amount for trade, amount in nets.items()
        }
        later = clock.now() + timedelta(days=1)
        assert await ledger.sums_by_trade(session, since=later) == {}
        assert await ledger.sums_by_trade(session, until=later) == nets


async def test_a_cancelled_note_is_taken_back(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        note = await billed(leak, session)
        await ledger.credit_case(session, case_id=leak.case_id, invoice_id=note.id)
        await ledger.cancel_note(session, invoice_id=note.id, reason="Erreur de client", by="Hélène")
        assert await ledger.sums_by_trade(session, member_id=leak.member_id) == {"plumbing": Money.zero()}
        page = await ledger.statement(session, member_id=leak.member_id, request=PageRequest(limit=1))
        assert page.has_next
        rest = await ledger.statement(
            session, member_id=leak.member_id, request=PageRequest(after=page.next_cursor, limit=1)
        )
        assert {line.amount for line in (*page.items, *rest.items)} == {note.totals.net, -note.totals.net}
        assert not rest.has_next


async def test_a_note_cancelled_before_it_was_credited_leaves_no_trace(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        note = await billed(leak, session)
        await ledger.cancel_note(session, invoice_id=note.id, reason="Erreur de client", by="Hélène")
        assert await ledger.sums_by_trade(session) == {}


async def test_another_cases_note_is_not_credited(leak, new_repair) -> None:
    other = await new_repair()
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        note = await billed(leak, session)
        with pytest.raises(InvoiceNotFound):
            await ledger.credit_case(session, case_id=other.case_id, invoice_id=note.id)


async def test_the_database_refuses_to_change_the_ledger(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        note = await billed(leak, session)
        await ledger.credit_case(session, case_id=leak.case_id, invoice_id=note.id)
    with pytest.raises(IntegrityError, match="append-only"):
        async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
            await session.execute(sa.text("update ledger_entry set amount = 1"))
