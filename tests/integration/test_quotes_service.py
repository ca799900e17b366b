"""Quotes on a real database: what is priced, what is refused, what a signature proves (R4, R6, R15, R33)."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import pytest
import sqlalchemy as sa
from pypdf import PdfReader
from sqlalchemy.exc import IntegrityError

from maillage_kit import clock
from maillage_kit.errors import Invalid
from maillage_kit.money import Money
from maillage_tenants import alarms, audit, interventions, quotes, tariffs
from maillage_tenants.customers import PremisesUse
from maillage_tenants.interventions import QuoteNotSigned
from maillage_tenants.members.models import MemberDocument
from maillage_tenants.messages.models import Message
from maillage_tenants.quotes import QuoteKind, QuoteState, VatReason, queries


def text_of(pdf: bytes) -> str:
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages))


async def test_a_night_leak_is_priced_with_one_surcharge_and_ten_percent(leak) -> None:
    """Sunday 03:12: night and Sunday, both +50 %: one applies (R89). A leak in a dwelling: 10 % (R31)."""
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        drafted = await leak.draft(session, labour_minutes=75, parts={"PLO_MANCHON": "1"})
        assert drafted.complementary is None
        quote = await quotes.quote_view(session, quote_id=drafted.emergency)
    assert quote.state is QuoteState.DRAFT
    assert quote.number is None
    assert quote.surcharge_basis_points == 5000
    assert [(line.item_code, line.unit_price, line.net, line.vat_basis_points) for line in quote.lines] == [
        ("PLO_DEPLACEMENT", Money.euros("82.50"), Money.euros("82.50"), 1000),
        ("PLO_MAIN_OEUVRE", Money.euros("96"), Money.euros("120"), 1000),
        ("PLO_MANCHON", Money.euros("22"), Money.euros("22"), 1000),
    ]
    assert {line.vat_reason for line in quote.lines} == {VatReason.EMERGENCY_WATER_LEAK}
    assert (quote.totals.net, quote.totals.vat, quote.gross) == (
        Money.euros("224.50"),
        Money.euros("22.45"),
        Money.euros("246.95"),
    )


async def test_a_boiler_proposed_on_site_goes_on_its_own_quote(new_repair) -> None:
    """L.4: separate quote, 20 %, right of withdrawal, no surcharge."""
    repair = await new_repair(type_code="CHAUDIERE_DEFAUT")
    async with repair.runtime.database.tenant(repair.cooperative.tenant) as session:
        drafted = await repair.draft(session, parts={"PLO_CHAUDIERE_GAZ": "1"})
        assert drafted.emergency and drafted.complementary
        sent = await repair.send(session, drafted.complementary)
        assert sent.kind is QuoteKind.COMPLEMENTARY
        assert [(line.item_code, line.vat_basis_points, line.vat_reason) for line in sent.lines] == [
            ("PLO_CHAUDIERE_GAZ", 2000, VatReason.FOSSIL_BOILER)
        ]
        assert sent.surcharge_basis_points == 0
        printed = text_of((await quotes.quote_pdf(session, case_id=repair.case_id, quote_id=sent.id)).content)
        assert "Formulaire de rétractation" in printed
        assert "Aucun paiement" in printed
        await repair.sign(session, sent.id)
        signed = await quotes.quote_view(session, quote_id=sent.id)
        # Signed on Sunday 7 March in Paris: fourteen days end on Sunday 21, so on Monday 22 at midnight.
        assert signed.withdrawal_deadline == datetime(2027, 3, 22, 23, 0, tzinfo=UTC)
        copy = text_of((await quotes.quote_pdf(session, case_id=repair.case_id, quote_id=sent.id)).content)
        assert "Dernier jour pour vous rétracter : 22 mars 2027" in copy


async def test_what_is_urgent_has_no_withdrawal(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        signed = await leak.signed_quote(session)
        assert signed.withdrawal_deadline is None
        printed = text_of((await quotes.quote_pdf(session, case_id=leak.case_id, quote_id=signed.id)).content)
        assert "L221-28, 8°" in printed
        assert "Ça coule sous l’évier" in printed
        assert "Formulaire de rétractation" not in printed


async def test_the_quote_as_printed_has_every_mention(leak) -> None:
    """R4, R8, R21, R22, R33, R39."""
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        signed = await leak.signed_quote(session)
        row = await queries.documents(session, quote_id=signed.id)
        sent, copy = row.document, row.signed_document
        assert sent is not None and copy is not None
        assert row.document_sha256 == quotes.sha256(sent)
    assert re.search(rb"pdfaid:part\W{1,3}3", sent)
    printed = text_of(sent)
    for mention in (
        "Devis",
        "n° D-2027-000001",
        "7 mars 2027 à 3 h 12",
        "Coopérative des artisans dépanneurs de l’Eure",
        "à capital variable",
        "732 829 320",
        "FR44732829320",
        "12 rue de la Harpe",
        "02 32 40 27 27",
        "Jeanne Lefèvre",
        "3 rue Sadi-Carnot",
        "27500 Pont-Audemer",
        "Fuite sur canalisation",
        "Benali Plomberie",
        "812 345 678 00019",
        "Mutuelle du Bâtiment",
        "DEC-4711",
        "France métropolitaine",
        "Déplacement",
        "1,25 h",
        "96,00 €",
        "Total HT",
        "224,50 €",
        "22,45 €",
        "246,95 €",
        "TVA 10 % : travaux d’urgence dans un logement, fuite d’eau",
        "Devis gratuit",
        "Majoration de 50 % comprise",
        "Médiation de la consommation Normandie",
        "garantie légale de conformité",
        "jusqu’au 8 mars 2027 à 3 h 12",
        "page 1 sur",
    ):
        assert mention in printed.replace("\u00a0", " ").replace("\u202f", " "), mention
    assert "Bon pour accord" in printed
    signed_text = text_of(copy)
    assert "Devis accepté et signé par Jeanne Lefèvre" in signed_text
    assert row.document_sha256 in signed_text.replace(" ", "")


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"mediator_name": ""}, "mediator"),
        ({"public_number": ""}, "phone"),
        ({"legal_name": " "}, "company"),
        ({"address": ""}, "company_address"),
    ],
)
async def test_a_quote_without_a_mention_of_the_cooperative_is_not_sent(leak, change, missing) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        drafted = await leak.draft(session)
        leak.cooperative = replace(leak.cooperative, **change)
        with pytest.raises(quotes.QuoteIncomplete) as refused:
            await leak.send(session, drafted.emergency)
        assert missing in refused.value.fields
        assert (await quotes.quote_view(session, quote_id=drafted.emergency)).state is QuoteState.DRAFT


async def test_a_quote_without_name_or_insurance_is_not_sent(new_repair) -> None:
    repair = await new_repair(known=False)
    async with repair.runtime.database.tenant(repair.cooperative.tenant) as session:
        case = await interventions.case(session, case_id=repair.case_id)
        case.caller_name = ""
        await session.execute(sa.update(MemberDocument).values(valid_to=date(2027, 3, 6)))
        drafted = await repair.draft(session)
        with pytest.raises(quotes.QuoteIncomplete, match="il manque") as refused:
            await repair.send(session, drafted.emergency)
        assert set(refused.value.fields) == {"customer", "insurance"}


async def test_drafting_again_replaces_the_draft_and_sending_replaces_what_waits(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        await leak.draft(session)
        drafted = await leak.draft(session, parts={"PLO_JOINT": "2"})
        first = await leak.send(session, drafted.emergency)
        again = await leak.draft(session, parts={"PLO_JOINT": "3"})
        second = await leak.send(session, again.emergency)
        every = await quotes.quotes_of_case(session, case_id=leak.case_id)
    assert [(quote.number, quote.state) for quote in every] == [
        (first.number, QuoteState.REFUSED),
        (second.number, QuoteState.SENT),
    ]
    assert (first.number, second.number) == ("D-2027-000001", "D-2027-000002")
    assert every[1].parties["replaces"] == first.number


async def test_the_tariff_announced_prices_the_quote_even_after_a_new_one(leak) -> None:
    """R2: stored, not recomputed."""
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        before = await tariffs.tariff_at(session, trade="plumbing", at=clock.now())
        assert before is not None
        await tariffs.publish_tariff(
            session,
            trade="plumbing",
            valid_from=clock.now(),
            items=[replace(item, unit_price=item.unit_price + Money.euros(50)) for item in before.items],
            surcharges={},
            time_counting="x",
            quote_price=Money.zero(),
            conditions="x",
            by="Hélène",
        )
        drafted = await leak.draft(session)
        quote = await quotes.quote_view(session, quote_id=drafted.emergency)
        assert quote.tariff_id == before.id
        assert quote.lines[0].unit_price == Money.euros("82.50")


async def test_arriving_by_day_costs_no_surcharge_whatever_the_hour_of_the_quote(new_repair, moved_clock) -> None:
    """R89: the local start of the intervention decides."""
    moved_clock.move_to(datetime(2027, 3, 8, 18, 30, tzinfo=UTC))  # Monday 19:30 in Paris
    repair = await new_repair()
    moved_clock.advance(hours=2)
    async with repair.runtime.database.tenant(repair.cooperative.tenant) as session:
        drafted = await repair.draft(session)
        quote = await quotes.quote_view(session, quote_id=drafted.emergency)
        assert quote.surcharge_basis_points == 0


async def test_customer_absent_travel_alone_at_twenty_percent(new_repair) -> None:
    """L.3, R32."""
    repair = await new_repair(over_two_years=False)
    async with repair.runtime.database.tenant(repair.cooperative.tenant) as session:
        drafted = await repair.draft(session, labour_minutes=0)
        quote = await quotes.quote_view(session, quote_id=drafted.emergency)
        assert [(line.item_code, line.vat_basis_points) for line in quote.lines] == [("PLO_DEPLACEMENT", 2000)]


async def test_the_premises_seen_on_site_correct_the_case(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        drafted = await leak.draft(session, premises_use=PremisesUse.BUSINESS)
        quote = await quotes.quote_view(session, quote_id=drafted.emergency)
        assert {line.vat_reason for line in quote.lines} == {VatReason.NOT_A_DWELLING}


async def test_ten_percent_by_age_needs_the_customers_certification(new_repair) -> None:
    """R33: a blocked drain is in no list of emergencies."""
    repair = await new_repair(type_code="WC_BOUCHE")
    async with repair.runtime.database.tenant(repair.cooperative.tenant) as session:
        drafted = await repair.draft(session)
        sent = await repair.send(session, drafted.emergency)
        assert sent.needs_certification
        assert "plus de deux ans" in text_of(
            (await quotes.quote_pdf(session, case_id=repair.case_id, quote_id=sent.id)).content
        )
        with pytest.raises(quotes.CertificationNeeded):
            await repair.sign(session, sent.id)
        await repair.sign(session, sent.id, certified=True)
        signed = await quotes.quote_view(session, quote_id=sent.id)
        assert signed.vat_certified
        assert "Jeanne Lefèvre" in signed.signature_proof["vat_certification"]


async def test_without_certification_the_quote_is_at_twenty_percent(new_repair) -> None:
    repair = await new_repair(type_code="WC_BOUCHE")
    async with repair.runtime.database.tenant(repair.cooperative.tenant) as session:
        drafted = await repair.draft(session, certify=False)
        sent = await repair.send(session, drafted.emergency)
        assert {line.vat_basis_points for line in sent.lines} == {2000}
        await repair.sign(session, sent.id)


async def test_work_needs_a_signature_or_a_written_danger(leak) -> None:
    """R4, R6."""
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        drafted = await leak.draft(session)
        await leak.send(session, drafted.emergency)
        assert not (await quotes.work_authority(session, case_id=leak.case_id)).allows_work
        with pytest.raises(QuoteNotSigned):
            await leak.finish(session)
        await leak.sign(session, drafted.emergency)
        authority = await quotes.work_authority(session, case_id=leak.case_id)
        assert authority.signed
        await leak.finish(session)
        assert await alarms.open_alarms(session) == ()


async def test_a_written_danger_lets_work_start_and_the_late_signature_is_audited(leak) -> None:
    """R6: the quote is still produced in the same visit; L.5: audited, no alarm since justified."""
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        await interventions.record_danger(
            session,
            cooperative=leak.cooperative,
            case_id=leak.case_id,
            danger=interventions.DangerKind.ELECTRICITY,
            words="Eau sur le tableau électrique",
            at=clock.now(),
            by="Karim Benali",
        )
        assert (await quotes.work_authority(session, case_id=leak.case_id)).allows_work
        await leak.finish(session)
        leak.clock.advance(minutes=5)
        signed = await leak.signed_quote(session)
        found = await audit.entries_about(session, subject_type="quote", subject_id=signed.id)
        assert "quotes.signed_after_work" in [entry.action for entry in found]
        assert [alarm.kind for alarm in await alarms.open_alarms(session)] == []


async def test_a_signature_after_work_without_danger_raises_an_alarm(leak) -> None:
    """L.5."""
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        drafted = await leak.draft(session)
        await leak.send(session, drafted.emergency)
        await interventions.leave_partial(
            session, case_id=leak.case_id, reason="Pièce à commander", at=clock.now(), by="Karim Benali"
        )
        leak.clock.advance(minutes=1)
        await leak.sign(session, drafted.emergency)
        assert [alarm.kind for alarm in await alarms.open_alarms(session)] == ["quote_after_work"]


async def test_a_quote_out_of_date_is_not_signed(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        drafted = await leak.draft(session)
        await leak.send(session, drafted.emergency)
        leak.clock.advance(hours=24)
        with pytest.raises(quotes.QuoteExpired):
            await leak.sign(session, drafted.emergency)


async def test_a_refused_quote_stays_refused(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        drafted = await leak.draft(session)
        with pytest.raises(quotes.QuoteNotSignable):
            await quotes.refuse_quote(session, quote_id=drafted.emergency, by="client")
        await leak.send(session, drafted.emergency)
        await quotes.refuse_quote(session, quote_id=drafted.emergency, by="client", reason="Trop cher")
        with pytest.raises(quotes.QuoteNotSignable):
            await leak.sign(session, drafted.emergency)


@pytest.mark.parametrize("bad", ["", "data:image/png;base64,AAAA"])
async def test_a_bad_drawing_signs_nothing(leak, bad: str) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        drafted = await leak.draft(session)
        await leak.send(session, drafted.emergency)
        with pytest.raises(quotes.SignatureUnreadable):
            await quotes.sign_drawn(
                session,
                cooperative=leak.cooperative,
                quote_id=drafted.emergency,
                png_data_url=bad,
                signed_by="Jeanne",
                by="Karim",
            )


@pytest.mark.parametrize(
    "statement",
    [
        "update quote set gross = 1",
        "update quote set state = 'draft'",
        "update quote set document = 'x'",
        "delete from quote",
        "update quote_line set net = 1",
        "delete from quote_line",
        "insert into quote_line select quote_id, 99, item_code, label, kind, scope, quantity, unit, unit_price, net,"
        " vat_basis_points, vat_reason from quote_line limit 1",
    ],
)
async def test_the_database_keeps_a_signed_quote_as_it_is(leak, statement: str) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        await leak.signed_quote(session)
    with pytest.raises(IntegrityError, match=r"quote"):
        async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
            await session.execute(sa.text(statement))


async def test_a_part_that_no_tariff_has_is_refused(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        with pytest.raises(Invalid, match="NUAGE"):
            await leak.draft(session, parts={"NUAGE": "1"})
        with pytest.raises(Invalid, match="négative"):
            await leak.draft(session, parts={"PLO_JOINT": "-1"})


# ------------------------------------------------------------------------------------------------------ one-time codes


async def sent_code(session) -> str:
    body = await session.scalar(
        sa.select(Message.body)
        .where(Message.purpose == "signing_code")
        .order_by(Message.created_at.desc(), Message.id.desc())
    )
    return str(body).split(" ", 1)[0]


async def by_code(repair, session, quote_id, code: str):
    return await quotes.sign_with_code(
        session, cooperative=repair.cooperative, quote_id=quote_id, code=code, signed_by="Jeanne Lefèvre"
    )


async def test_signing_with_the_code_received(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        drafted = await leak.draft(session, labour_minutes=75, parts={"PLO_MANCHON": "1"})
        await leak.send(session, drafted.emergency)
        await quotes.request_signing_code(session, quote_id=drafted.emergency, phone="06 12 34 56 78", by="Karim")
        code = await sent_code(session)
        assert re.fullmatch(r"\d{6}", code)
        stored = await queries.latest_code(session, quote_id=drafted.emergency)
        assert stored is not None
        assert code not in stored.code_hash
        outcome = await by_code(leak, session, drafted.emergency, f"{code[:3]} {code[3:]}")
        assert outcome.signed
        signed = await quotes.quote_view(session, quote_id=drafted.emergency)
        assert signed.state is QuoteState.SIGNED
        assert signed.signature_proof["phone"] == "+33612345678"
        copy = text_of((await quotes.quote_pdf(session, case_id=leak.case_id, quote_id=signed.id)).content)
        assert "code à usage unique reçu au 06 12 34 56 78" in copy.replace("\u00a0", " ")


async def test_five_wrong_codes_wear_it_out_even_across_requests(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        drafted = await leak.draft(session)
        await leak.send(session, drafted.emergency)
        await quotes.request_signing_code(session, quote_id=drafted.emergency, phone="0612345678", by="Karim")
        code = await sent_code(session)
    wrong = "000000" if code != "000000" else "000001"
    for left in (4, 3, 2, 1, 0):
        async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
            outcome = await by_code(leak, session, drafted.emergency, wrong)
            assert not outcome.signed
            assert outcome.attempts_left == left
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        assert "Trop d’essais" in (await by_code(leak, session, drafted.emergency, code)).refusal


async def test_a_code_lives_ten_minutes_and_a_new_one_kills_it(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        drafted = await leak.draft(session)
        await leak.send(session, drafted.emergency)
        await quotes.request_signing_code(session, quote_id=drafted.emergency, phone="0612345678", by="Karim")
        first = await sent_code(session)
        with pytest.raises(quotes.TooManyCodes):
            await quotes.request_signing_code(session, quote_id=drafted.emergency, phone="0612345678", by="Karim")
        leak.clock.advance(minutes=2)
        await quotes.request_signing_code(session, quote_id=drafted.emergency, phone="0612345678", by="Karim")
        second = await sent_code(session)
        if first != second:
            assert not (await by_code(leak, session, drafted.emergency, first)).signed
        leak.clock.advance(minutes=10)
        assert "plus valable" in (await by_code(leak, session, drafted.emergency, second)).refusal


async def test_at_most_five_codes_an_hour(leak) -> None:
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        drafted = await leak.draft(session)
        await leak.send(session, drafted.emergency)
        for _ in range(5):
            await quotes.request_signing_code(session, quote_id=drafted.emergency, phone="0612345678", by="Karim")
            leak.clock.advance(minutes=2)
        with pytest.raises(quotes.TooManyCodes):
            await quotes.request_signing_code(session, quote_id=drafted.emergency, phone="0612345678", by="Karim")
        leak.clock.advance(hours=1)
        await quotes.request_signing_code(session, quote_id=drafted.emergency, phone="0612345678", by="Karim")


async def test_a_quote_of_another_case_is_not_found(leak, new_repair) -> None:
    other = await new_repair()
    async with leak.runtime.database.tenant(leak.cooperative.tenant) as session:
        signed = await leak.signed_quote(session)
        with pytest.raises(quotes.QuoteNotFound):
            await quotes.quote_pdf(session, case_id=other.case_id, quote_id=signed.id)
        assert signed.issued_at is not None and signed.valid_until == signed.issued_at + timedelta(hours=24)
