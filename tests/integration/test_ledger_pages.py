"""Pages of the accounts: a member's year, the register, credit notes and corrections (R40, R42, R56)."""

from typing import Any

from maillage_kit.db import TenantSession
from maillage_kit.money import Money
from maillage_kit.permissions import Role
from maillage_tenants import invoices, ledger
from maillage_tenants.invoices import InvoiceView, PaymentMethod


async def billed(repair: Any, session: TenantSession) -> InvoiceView:
    await repair.signed_quote(session)
    await repair.finish(session)
    note = await invoices.issue_note(session, cooperative=repair.cooperative, case_id=repair.case_id, by="Karim Benali")
    await ledger.credit_case(session, case_id=repair.case_id, invoice_id=note.id)
    return note


async def test_a_member_reads_his_own_account_and_the_office_reads_all(leak, eure, sign_in) -> None:
    async with leak.runtime.database.tenant(eure.tenant) as session:
        note = await billed(leak, session)
    office = await sign_in(Role.MANAGER, eure)
    shown = await office.get(f"/c/eure/members/{leak.member_id}/ledger")
    assert shown.status_code == 200
    assert "224,50" in shown.text
    assert note.number in shown.text
    assert "Plomberie" in shown.text
    assert "Aucune opération" in (await office.get(f"/c/eure/members/{leak.member_id}/ledger?year=2026")).text
    karim = await sign_in(Role.MEMBER, eure, member_id=leak.member_id)
    own = await karim.get("/c/eure/field/ledger")
    assert own.status_code == 200
    assert "224,50" in own.text
    assert (await karim.get(f"/c/eure/members/{leak.member_id}/ledger")).status_code == 403


async def test_the_register_says_that_nothing_is_missing_or_altered(leak, eure, sign_in) -> None:
    async with leak.runtime.database.tenant(eure.tenant) as session:
        note = await billed(leak, session)
        await invoices.record_payment(
            session, case_id=leak.case_id, method=PaymentMethod.CARD, amount=Money.euros(100), by="Hélène"
        )
    office = await sign_in(Role.MANAGER, eure)
    shown = await office.get("/c/eure/notes")
    assert shown.status_code == 200
    assert "Aucun numéro ne manque" in shown.text
    assert "Journal des règlements intact" in shown.text
    assert "Payée en partie" in shown.text
    assert "146,95" in shown.text
    detail = await office.get(f"/c/eure/notes/{note.id}")
    assert detail.status_code == 200
    assert "Main-d’œuvre plombier" in detail.text


async def test_credit_refund_and_correction_from_the_page(leak, eure, sign_in) -> None:
    async with leak.runtime.database.tenant(eure.tenant) as session:
        note = await billed(leak, session)
        first = await invoices.record_payment(
            session, case_id=leak.case_id, method=PaymentMethod.CARD, amount=Money.euros(100), by="Hélène"
        )
        await invoices.record_payment(
            session, case_id=leak.case_id, method=PaymentMethod.CASH, amount=Money.euros(20), by="Hélène"
        )
    office = await sign_in(Role.MANAGER, eure)
    here = f"/c/eure/notes/{note.id}"
    assert (await office.post(f"{here}/payments/{first.id}/correct", {"reason": ""})).status_code == 422
    assert (await office.post(f"{here}/payments/{first.id}/correct", {"reason": "Carte refusée"})).status_code == 303
    assert (await office.post(f"{here}/payments/{first.id}/correct", {"reason": "Encore"})).status_code == 409
    assert (await office.post(f"{here}/refund", {"amount": "5", "method": "cash"})).status_code == 422
    assert (await office.post(f"{here}/credit", {"reason": " "})).status_code == 422
    answer = await office.post(f"{here}/credit", {"reason": "Erreur de client"})
    assert answer.status_code == 303
    assert "Rembourser" in (await office.get(here)).text
    assert (await office.post(f"{here}/refund", {"amount": "douze", "method": "cash"})).status_code == 422
    assert (await office.post(f"{here}/refund", {"amount": "20,00", "method": "cash"})).status_code == 303
    assert (await office.get(answer.headers["location"])).status_code == 200
    async with leak.runtime.database.tenant(eure.tenant) as session:
        assert (await invoices.invoice_view(session, invoice_id=note.id)).balance == Money.zero()
        assert (await invoices.verify_journal(session)).sound
        assert await ledger.sums_by_trade(session) == {"plumbing": Money.zero()}


async def test_another_cooperative_finds_nothing(leak, eure, seine_maritime, sign_in) -> None:
    async with leak.runtime.database.tenant(eure.tenant) as session:
        note = await billed(leak, session)
        payment = await invoices.record_payment(
            session, case_id=leak.case_id, method=PaymentMethod.CARD, amount=Money.euros(1), by="Hélène"
        )
    stranger = await sign_in(Role.MANAGER, seine_maritime)
    base = "/c/seine-maritime"
    assert (await stranger.get(f"{base}/notes/{note.id}")).status_code == 404
    assert (await stranger.post(f"{base}/notes/{note.id}/credit", {"reason": "test"})).status_code == 404
    assert (await stranger.post(f"{base}/notes/{note.id}/refund", {"amount": "1", "method": "cash"})).status_code == 404
    wrong = f"{base}/notes/{note.id}/payments/{payment.id}/correct"
    assert (await stranger.post(wrong, {"reason": "test"})).status_code == 404
    assert (await stranger.get(f"{base}/members/{leak.member_id}/ledger")).status_code == 404
