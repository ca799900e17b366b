"""Notes on a real database: after the work, before the money, without gap, never changed (R7, R33, R39, R40)."""

import asyncio
import re
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa
from pypdf import PdfReader
from sqlalchemy.exc import IntegrityError

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.money import Money
from maillage_tenants import interventions, invoices, quotes
from maillage_tenants.interventions import Clock
from maillage_tenants.invoices import InvoiceKind, InvoiceView


def text_of(pdf: bytes) -> str:
    text = " ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)
    return re.sub(r"\s+", " ", text.replace("\u00a0", " ").replace("\u202f", " "))


async def issue(repair: Any, session: TenantSession, **options: Any) -> InvoiceView:
    return await invoices.issue_note(
        session, cooperative=repair.cooperative, case_id=repair.case_id, by="Karim Benali", **options
    )


async def billed(repair: Any, session: TenantSession) -> InvoiceView:
    await repair.signed_quote(session)
    await repair.finish(session)
    return await issue(repair, session)


async def test_the_note_is_the_signed_quote_and_stamps_t9(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        note = await billed(leak, session)
        assert note.number == "F-2027-000001"
        assert note.kind is InvoiceKind.NOTE
        assert note.totals.gross == Money.euros("246.95")
        assert note.balance == Money.euros("246.95")
        clocks = await interventions.clocks(session, case_id=leak.case_id)
        assert clocks[Clock.NOTE_SENT] == clock.now()
        assert (await invoices.note_of_case(session, case_id=leak.case_id)) == note


async def test_the_note_as_printed_has_every_mention(leak) -> None:
    """R7, R8, R21, R22, R39."""
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        note = await billed(leak, session)
        pdf = await invoices.invoice_pdf(session, case_id=leak.case_id, invoice_id=note.id)
    assert pdf.filename == "note-F-2027-000001.pdf"
    assert note.document_sha256 == quotes.sha256(pdf.content)
    assert re.search(rb"pdfaid:part\W{1,3}3", pdf.content)
    printed = text_of(pdf.content)
    for mention in (
        "Note n° F-2027-000001",
        "7 mars 2027",
        "Coopérative des artisans dépanneurs de l’Eure",
        "à capital variable",
        "SIREN 732 829 320",
        "TVA FR44732829320",
        "Téléphone 02 32 40 27 27",
        "non surtaxé",
        "Jeanne Lefèvre",
        "Date d’exécution 7 mars 2027",
        "Lieu d’exécution 3 rue Sadi-Carnot, 27500 Pont-Audemer",
        "n° D-2027-000001, signé le 07/03/2027",
        "Benali Plomberie",
        "SIRET 812 345 678 00019",
        "Assurance décennale : Mutuelle du Bâtiment",
        "Main-d’œuvre plombier",
        "1,25 h 96,00 € 10 % 120,00 €",
        "Total HT 224,50 €",
        "TVA 10 % sur 224,50 € 22,45 €",
        "Total TTC 246,95 €",
        "TVA 10 % : travaux d’urgence dans un logement, fuite d’eau",
        "Payable à réception",
        "Médiation de la consommation Normandie, https://mediateur.example",
    ):
        assert mention in printed, mention


async def test_no_note_before_the_work_is_finished(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        await leak.signed_quote(session)
        with pytest.raises(invoices.NoteBeforeWork):
            await issue(leak, session)


async def test_no_note_without_a_signed_quote(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        drafted = await leak.draft(session)
        await leak.send(session, drafted.emergency)
        await interventions.leave_partial(
            session, case_id=leak.case_id, reason="Refus du devis", at=clock.now(), by="Karim"
        )
        with pytest.raises(invoices.NothingToBill):
            await issue(leak, session)


async def test_after_a_written_danger_the_quote_given_is_billed_and_the_note_says_it(leak) -> None:
    """R6."""
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        await interventions.record_danger(
            session,
            cooperative=leak.cooperative,
            case_id=leak.case_id,
            danger=interventions.DangerKind.ELECTRICITY,
            words="Eau sur le tableau",
            at=clock.now(),
            by="Karim Benali",
        )
        await leak.finish(session)
        with pytest.raises(invoices.NothingToBill):
            await issue(leak, session)
        drafted = await leak.draft(session)
        await leak.send(session, drafted.emergency)
        note = await issue(leak, session)
        pdf = await invoices.invoice_pdf(session, case_id=leak.case_id, invoice_id=note.id)
        assert "danger immédiat : Eau sur une installation électrique (Eau sur le tableau)" in text_of(pdf.content)


async def test_travel_alone_is_billed_when_nobody_is_there_to_sign(leak) -> None:
    """R32."""
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        drafted = await leak.draft(session, labour_minutes=0)
        await leak.send(session, drafted.emergency)
        await interventions.leave_partial(
            session, case_id=leak.case_id, reason="Client absent", at=clock.now(), by="Karim"
        )
        note = await issue(leak, session)
        assert note.totals.gross == Money.euros("99")


async def test_certification_is_taken_on_the_note_when_the_quote_has_none(new_repair) -> None:
    """R33."""
    repair = await new_repair(type_code="WC_BOUCHE")
    async with repair.runtime.database.tenant(repair.cooperative.tenant) as session:
        await interventions.record_danger(
            session,
            cooperative=repair.cooperative,
            case_id=repair.case_id,
            danger=interventions.DangerKind.ELECTRICITY,
            words="Débordement dans l’appartement",
            at=clock.now(),
            by="Karim",
        )
        await repair.finish(session)
        drafted = await repair.draft(session)
        await repair.send(session, drafted.emergency)
        with pytest.raises(invoices.CertificationMissing):
            await issue(repair, session)
        note = await issue(repair, session, certified_by="Jeanne Lefèvre")
        assert note.vat_certification is not None
        pdf = await invoices.invoice_pdf(session, case_id=repair.case_id, invoice_id=note.id)
        assert "Je certifie, Jeanne Lefèvre" in text_of(pdf.content)


async def test_certification_on_the_quote_is_printed_on_the_note(new_repair) -> None:
    repair = await new_repair(type_code="WC_BOUCHE")
    async with repair.runtime.database.tenant(repair.cooperative.tenant) as session:
        drafted = await repair.draft(session)
        await repair.send(session, drafted.emergency)
        await repair.sign(session, drafted.emergency, certified=True)
        await repair.finish(session)
        note = await issue(repair, session)
        assert "Certifié par Jeanne Lefèvre à la signature du devis D-2027-000001" in (note.vat_certification or "")


async def test_a_professional_gets_an_invoice_with_its_terms(new_repair) -> None:
    """R39."""
    repair = await new_repair(premises_use="business", consumer_status="professional")
    async with repair.runtime.database.tenant(repair.cooperative.tenant) as session:
        invoice = await billed(repair, session)
        assert invoice.kind is InvoiceKind.INVOICE
        pdf = await invoices.invoice_pdf(session, case_id=repair.case_id, invoice_id=invoice.id)
    printed = text_of(pdf.content)
    for mention in (
        "Facture",
        "SARL Aux Délices",
        "SIREN 404 833 048",
        "40 €",
        "trois fois l’intérêt légal",
        "Pas d’escompte",
        "Payable au plus tard le 6 avril 2027",
        "TVA 20 % : taux normal, local qui n’est pas un logement",
    ):
        assert mention in printed, mention


async def test_a_case_is_billed_once_until_its_note_is_credited(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        note = await billed(leak, session)
        with pytest.raises(invoices.AlreadyBilled):
            await issue(leak, session)
        with pytest.raises(Invalid):
            await invoices.issue_credit_note(session, invoice_id=note.id, reason=" ", by="Hélène")
        credit = await invoices.issue_credit_note(session, invoice_id=note.id, reason="Erreur d’adresse", by="Hélène")
        assert credit.number == "A-2027-000001"
        assert credit.totals.gross == -note.totals.gross
        cancelled = await invoices.invoice_view(session, invoice_id=note.id)
        assert not cancelled.live
        assert cancelled.balance == Money.zero()
        with pytest.raises(Exception, match="avoir"):
            await invoices.issue_credit_note(session, invoice_id=note.id, reason="Encore", by="Hélène")
        pdf = await invoices.invoice_pdf(session, case_id=leak.case_id, invoice_id=credit.id)
        printed = text_of(pdf.content)
        assert "Note F-2027-000001 du 07/03/2027 : annulée par cet avoir" in printed
        assert "Erreur d’adresse" in printed
        assert "-246,95 €" in printed
        again = await issue(leak, session)
        assert again.number == "F-2027-000002"
        assert await invoices.sequence_gaps(session) == ()


async def test_numbers_follow_each_other_when_some_fail_and_all_hurry(new_repair) -> None:
    """R40, L.6: concurrent issues, some rolled back after taking a number."""
    repairs = [await new_repair() for _ in range(8)]
    for repair in repairs:
        async with repair.runtime.database.tenant(repair.cooperative.tenant) as session:
            await repair.signed_quote(session)
            await repair.finish(session)

    async def attempt(index: int) -> str | None:
        repair = repairs[index]
        try:
            async with repair.runtime.database.tenant(repair.cooperative.tenant) as session:
                note = await issue(repair, session)
                if index % 3 == 0:
                    raise RuntimeError("after the number was taken")
                return note.number
        except RuntimeError:
            return None

    issued = [number for number in await asyncio.gather(*(attempt(index) for index in range(8))) if number]
    assert sorted(issued) == [f"F-2027-{counter:06d}" for counter in range(1, len(issued) + 1)]
    assert len(issued) == 5
    async with repairs[0].runtime.database.tenant(repairs[0].cooperative.tenant) as session:
        assert await invoices.sequence_gaps(session) == ()


async def test_two_at_once_bill_a_case_once(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        await leak.signed_quote(session)
        await leak.finish(session)

    async def attempt() -> str:
        async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
            return (await issue(leak, session)).number

    results = await asyncio.gather(attempt(), attempt(), return_exceptions=True)
    assert sorted(str(result) if isinstance(result, str) else type(result).__name__ for result in results) == [
        "AlreadyBilled",
        "F-2027-000001",
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "update invoice set gross = 1",
        "delete from invoice",
        "update invoice_line set net = 1",
        "delete from invoice_line",
    ],
)
async def test_the_database_refuses_to_change_an_issued_note(leak, statement: str) -> None:
    """L.6."""
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        await billed(leak, session)
    with pytest.raises(IntegrityError, match="append-only"):
        async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
            await session.execute(sa.text(statement))


async def test_a_note_of_another_case_is_not_found(leak, new_repair) -> None:
    other = await new_repair()
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        note = await billed(leak, session)
        with pytest.raises(invoices.InvoiceNotFound):
            await invoices.invoice_pdf(session, case_id=other.case_id, invoice_id=note.id)
