"""The payment journal on a real database: after the note, within what is due, chained, mended by opposites."""

import asyncio
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.money import Money
from maillage_tenants import invoices, ledger, quotes
from maillage_tenants.invoices import InvoiceView, PaymentMethod, PaymentView
from maillage_tenants.invoices.errors import AlreadyCorrected


async def billed(repair: Any, session: TenantSession) -> InvoiceView:
    await repair.signed_quote(session)
    await repair.finish(session)
    return await invoices.issue_note(session, cooperative=repair.cooperative, case_id=repair.case_id, by="Karim Benali")


async def pay(repair: Any, session: TenantSession, euros: str, **options: Any) -> PaymentView:
    return await invoices.record_payment(
        session,
        case_id=repair.case_id,
        method=options.pop("method", PaymentMethod.CARD),
        amount=Money.euros(euros),
        by="Hélène",
        **options,
    )


async def test_no_money_before_the_note(leak) -> None:
    """R7, L.5."""
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        await leak.signed_quote(session)
        with pytest.raises(invoices.PaymentBeforeNote):
            await pay(leak, session, "100")
        await leak.finish(session)
        with pytest.raises(invoices.PaymentBeforeNote):
            await pay(leak, session, "100")


async def test_paid_in_two_parts_never_more_than_due(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        note = await billed(leak, session)
        await pay(leak, session, "100", method=PaymentMethod.CHEQUE, reference="n° 42")
        with pytest.raises(invoices.PaymentOverBalance) as refused:
            await pay(leak, session, "146.96")
        assert "146,95" in refused.value.fields["amount"]
        await pay(leak, session, "146.95")
        view = await invoices.invoice_view(session, invoice_id=note.id)
        assert view.balance == Money.zero()
        assert [(entry.sequence, entry.amount) for entry in view.payments] == [
            (1, Money.euros("100")),
            (2, Money.euros("146.95")),
        ]
        found = await invoices.verify_journal(session)
        assert found.sound
        assert found.total == note.totals.gross


@pytest.mark.parametrize("euros", ["0", "-5"])
async def test_an_amount_is_above_zero(leak, euros: str) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        await billed(leak, session)
        with pytest.raises(Invalid):
            await pay(leak, session, euros)


async def test_money_is_not_dated_ahead_and_a_private_person_has_no_account(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        await billed(leak, session)
        with pytest.raises(Invalid, match="avance"):
            await pay(leak, session, "10", received_at=clock.now() + timedelta(minutes=1))
        with pytest.raises(Invalid, match="compte"):
            await pay(leak, session, "10", method=PaymentMethod.ACCOUNT)


async def test_a_wrong_entry_is_mended_by_its_opposite_once(leak) -> None:
    """R42."""
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        note = await billed(leak, session)
        wrong = await pay(leak, session, "200")
        mended = await invoices.correct_payment(session, payment_id=wrong.id, reason="Saisi deux fois", by="Hélène")
        assert mended.amount == -wrong.amount
        for entry in (wrong, mended):
            with pytest.raises(AlreadyCorrected):
                await invoices.correct_payment(session, payment_id=entry.id, reason="Encore", by="Hélène")
        view = await invoices.invoice_view(session, invoice_id=note.id)
        assert view.balance == note.totals.gross
        assert [entry.corrected for entry in view.payments] == [True, False]
        assert (await invoices.verify_journal(session)).sound


async def test_money_is_given_back_on_a_credited_note_and_not_more(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        note = await billed(leak, session)
        await pay(leak, session, "246.95")
        refund: dict[str, Any] = {"invoice_id": note.id, "method": PaymentMethod.TRANSFER, "by": "Hélène"}
        with pytest.raises(invoices.PaymentOverBalance):
            await invoices.record_refund(session, amount=Money(1), **refund)
        await invoices.issue_credit_note(session, invoice_id=note.id, reason="Malfaçon", by="Hélène")
        await invoices.record_refund(session, amount=Money.euros("246.95"), **refund)
        assert (await invoices.invoice_view(session, invoice_id=note.id)).balance == Money.zero()
        found = await invoices.verify_journal(session)
        assert (found.sound, found.total) == (True, Money.zero())


async def test_complementary_works_wait_seven_days_for_their_money(new_repair, moved_clock) -> None:
    """R16: signed on Sunday 7 March, payable from Monday 15 March at midnight in Paris."""
    repair = await new_repair(type_code="CHAUDIERE_DEFAUT")
    async with repair.runtime.database.tenant(repair.cooperative.tenant) as session:
        drafted = await repair.draft(session, parts={"PLO_CHAUDIERE_GAZ": "1"})
        assert drafted.complementary is not None
        await repair.send(session, drafted.emergency)
        await repair.sign(session, drafted.emergency, certified=True)
        await repair.send(session, drafted.complementary)
        await repair.sign(session, drafted.complementary)
        await repair.finish(session)
        urgent = await invoices.issue_note(
            session, cooperative=repair.cooperative, case_id=repair.case_id, by="Karim Benali"
        )
        await pay(repair, session, "10", invoice_id=urgent.id)
        boiler = await invoices.issue_note(
            session,
            cooperative=repair.cooperative,
            case_id=repair.case_id,
            by="Karim Benali",
            quote_id=drafted.complementary,
        )
        moved_clock.advance(days=7)
        with pytest.raises(invoices.PaymentTooEarly):
            await pay(repair, session, "10", invoice_id=boiler.id)
        moved_clock.advance(days=1)
        await pay(repair, session, "10", invoice_id=boiler.id)


async def test_many_at_once_make_one_chain(new_repair) -> None:
    repairs = [await new_repair() for _ in range(6)]
    for repair in repairs:
        async with repair.runtime.database.tenant(repair.cooperative.tenant) as session:
            await billed(repair, session)

    async def attempt(index: int, euros: str) -> None:
        async with repairs[index].runtime.database.tenant(repairs[index].cooperative.tenant) as session:
            await pay(repairs[index], session, euros)
            if index == 2:
                raise RuntimeError("rolled back")

    await asyncio.gather(
        *(attempt(index, euros) for index in range(6) for euros in ("10", "20.05")), return_exceptions=True
    )
    async with repairs[0].runtime.database.tenant(repairs[0].cooperative.tenant) as session:
        found = await invoices.verify_journal(session)
        assert found.sound
        assert (found.entries, found.total) == (10, Money.euros("150.25"))


async def test_two_at_once_never_pay_a_note_twice(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        await billed(leak, session)

    async def attempt() -> None:
        async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
            await pay(leak, session, "246.95")

    results = await asyncio.gather(attempt(), attempt(), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["NoneType", "PaymentOverBalance"]


@pytest.mark.parametrize("statement", ["update payment set amount = 1", "delete from payment"])
async def test_the_database_refuses_to_change_the_journal(leak, statement: str) -> None:
    """L.6."""
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        await billed(leak, session)
        await pay(leak, session, "10")
    with pytest.raises(IntegrityError, match="append-only"):
        async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
            await session.execute(sa.text(statement))


@pytest.mark.parametrize(
    ("statement", "broken_at", "problem"),
    [
        ("update payment set amount = amount + 1 where sequence = 2", 2, "contenu modifié"),
        ("update payment set received_at = received_at + interval '1 day' where sequence = 1", 1, "contenu modifié"),
        ("delete from payment where sequence = 2", 3, "numéro manquant ou en double"),
    ],
)
async def test_what_the_owner_of_the_database_forges_is_found(
    leak, statement: str, broken_at: int, problem: str
) -> None:
    """L.6: even with the triggers off."""
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        await billed(leak, session)
        for euros in ("10", "20", "30"):
            await pay(leak, session, euros)
    with psycopg.connect(leak.runtime.owner_url) as connection:
        connection.execute(f"set search_path to {leak.cooperative.tenant.schema}")
        connection.execute("alter table payment disable trigger append_only")
        connection.execute(statement)
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        found = await invoices.verify_journal(session)
    assert (found.broken_at, found.problem) == (broken_at, problem)


async def test_the_ledger_follows_the_journal_of_notes_not_the_money(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        note = await billed(leak, session)
        await ledger.credit_case(session, case_id=leak.case_id, invoice_id=note.id)
        await pay(leak, session, "10")
        assert await ledger.sums_by_trade(session, member_id=leak.member_id) == {"plumbing": Money.euros("224.50")}
        assert (await quotes.work_authority(session, case_id=leak.case_id)).signed
