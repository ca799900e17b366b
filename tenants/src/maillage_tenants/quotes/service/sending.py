"""A draft becomes a quote: complete or refused (R4), numbered, printed, never changed again."""

from datetime import timedelta
from uuid import UUID

from maillage_kit import clock, outside
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.pdf import on_paper, render_pdf
from maillage_tenants import audit, interventions, numbering
from maillage_tenants.quotes import parties, queries, rules
from maillage_tenants.quotes.document import quote_data
from maillage_tenants.quotes.errors import QuoteIncomplete, QuoteNotSendable
from maillage_tenants.quotes.models import QuoteKind, QuoteState
from maillage_tenants.quotes.queries import CaseFacts, QuoteView
from maillage_tenants.quotes.service.copies import ask_for_copy
from maillage_tenants.quotes.service.telling import tell_decided, tell_sent


async def send_quote(session: TenantSession, *, cooperative: CooperativeContext, quote_id: UUID, by: str) -> QuoteView:
    """Number the draft (« D-2027-000001 »), print it and keep the PDF with its SHA-256: what the customer will sign.

    Freezes who is on it (R8, R39). A quote of the same kind still waiting for a signature is replaced. Raises
    QuoteIncomplete with each missing mention (R4), QuoteNotSendable when it was sent before.
    """
    now = clock.now()
    row = await queries.quote_row(session, quote_id=quote_id, lock=True)
    if row.state != QuoteState.DRAFT:
        raise QuoteNotSendable
    facts = await queries.case_facts(session, case_id=row.intervention_id, on=clock.paris(now).date())
    draft = await queries.quote_view(session, quote_id=quote_id)
    missing = missing_mentions(draft, facts, cooperative)
    if missing:
        raise QuoteIncomplete(
            f"Le devis ne peut pas être remis, il manque : {', '.join(missing.values())}.", fields=missing
        )
    if facts.performer is None:
        raise QuoteIncomplete
    replaced = await _replace_waiting(session, draft, by=by)
    row.parties = {
        **row.parties,
        "cooperative": parties.cooperative_party(cooperative),
        "performer": parties.performer_party(facts.performer),
        "member_id": str(facts.member_id),
        "customer": parties.customer_party(facts.customer),
        "customer_id": str(facts.customer_id) if facts.customer_id else None,
        "replaces": replaced,
    }
    row.issued_at = now
    row.valid_until = now + validity(draft.kind)
    row.number = await numbering.next_number(session, prefix="D", at=now)
    await session.flush()
    # Printed from the row as written, then sent: from there on the database keeps it as it is.
    printed = await queries.quote_view(session, quote_id=quote_id)
    row.document = await render_pdf(
        on_paper("maillage_tenants.quotes", "quote"), quote_data(printed, department=cooperative.department), at=now
    )
    row.document_sha256 = rules.sha256(row.document)
    row.state = QuoteState.SENT
    await session.flush()
    await audit.record(
        session,
        actor=by,
        action="quotes.send",
        subject_type="quote",
        subject_id=row.id,
        detail={"number": row.number, "gross": row.gross, "sha256": row.document_sha256},
    )
    await interventions.add_event(
        session,
        case_id=row.intervention_id,
        kind="quote_sent",
        text=f"{printed.label} {row.number} remis : {row.gross} TTC",
        actor=by,
        detail={"quote_id": str(row.id)},
    )
    await ask_for_copy(session, quote_id=row.id, signed=False)
    await tell_sent(session, row)
    await outside.notify(session, f"case:{row.intervention_id}", row.intervention_id)
    return await queries.quote_view(session, quote_id=quote_id)


def validity(kind: QuoteKind) -> timedelta:
    return rules.EMERGENCY_VALIDITY if kind is QuoteKind.EMERGENCY else rules.COMPLEMENTARY_VALIDITY


def missing_mentions(quote: QuoteView, facts: CaseFacts, cooperative: CooperativeContext) -> dict[str, str]:
    """What R4, R8, R21 and R22 still require of a draft, by code, in French."""
    performer = facts.performer
    return rules.missing_mentions(
        rules.MentionFacts(
            company=cooperative.legal_name,
            company_address=cooperative.address,
            siren=cooperative.siren,
            phone=cooperative.public_number,
            mediator=cooperative.mediator_name,
            mediator_contact=cooperative.mediator_contact,
            performer=performer.name if performer else "",
            insurance=[parties.insurance_text(proof) for proof in performer.insurances] if performer else [],
            customer=facts.customer.name,
            place=" ".join(quote.parties["site"]),
            nature=quote.parties["case"]["nature"],
            execution=quote.parties["execution"],
            lines=quote.lines,
            emergency=quote.kind is QuoteKind.EMERGENCY,
        )
    )


async def _replace_waiting(session: TenantSession, draft: QuoteView, *, by: str) -> str | None:
    """Close the quotes of the same kind that wait for a signature; the number of the one that this replaces."""
    replaced = None
    for waiting in await queries.open_rows(session, case_id=draft.case_id, state=QuoteState.SENT):
        if waiting.kind == draft.kind:
            waiting.state = QuoteState.REFUSED
            waiting.refused_at = clock.now()
            replaced = waiting.number
            await interventions.add_event(
                session,
                case_id=draft.case_id,
                kind="quote_replaced",
                text=f"Devis {waiting.number} remplacé par un nouveau devis",
                actor=by,
                detail={"quote_id": str(waiting.id)},
            )
            await tell_decided(session, waiting, decision="replaced")
    signed = [
        quote.number
        for quote in await queries.quotes_of_case(session, case_id=draft.case_id)
        if quote.state is QuoteState.SIGNED and quote.kind is draft.kind and draft.kind is QuoteKind.EMERGENCY
    ]
    return replaced or (signed[-1] if signed else None)
