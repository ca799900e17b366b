"""Acts that need several domains at once: closing, assigning by hand, printing the trade's documents."""

from datetime import datetime
from uuid import UUID

from maillage_hooks import TradePlugin
from maillage_hooks.documents import DocumentData, french_date, french_instant, printed_fields
from maillage_hooks.types import DocumentSpec
from maillage_kit.clock import paris
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.pdf import render_pdf
from maillage_kit.phone import show_phone
from maillage_tenants import customers, interventions, ledger, members, quotes
from maillage_tenants.casefile import queries
from maillage_tenants.casefile.errors import DocumentNotAvailable, NotAssignable, NoteMissing, ReportMissing
from maillage_tenants.interventions import Clock, Intervention, State


async def close_case(
    session: TenantSession, *, case_id: UUID, trade_plugin: TradePlugin | None, at: datetime, by: str
) -> None:
    """Close a case: its note exists (R7), its report is complete (R84), its member is credited (R56), all or nothing.

    A partial visit closes without complete report. `trade_plugin` None: the trade is no longer installed, its report
    is taken as it is. Raises NoteMissing, ReportMissing, StepNotAllowed.
    """
    row = await interventions.locked_case(session, case_id=case_id)
    notes = await queries.standing_notes(session, case_id=case_id)
    if not notes:
        raise NoteMissing
    if (
        State(row.state) is State.DONE
        and trade_plugin is not None
        and not interventions.report_is_complete(row.report, trade_plugin, row.type_code or "")
    ):
        raise ReportMissing
    await interventions.stamp(session, case_id=case_id, clock=Clock.NOTE_SENT, at=notes[0].issued_at, by=by)
    await interventions.mark_closed(session, case_id=case_id, note_exists=True, at=at, by=by)
    for note in notes:
        await ledger.credit_case(session, case_id=case_id, invoice_id=note.id)


async def assign_case(session: TenantSession, *, case_id: UUID, technician_id: UUID, at: datetime, by: str) -> None:
    """The desk gives the case to somebody who said yes by voice. Raises NotAssignable with the reason (R8, R61)."""
    row = await interventions.locked_case(session, case_id=case_id)
    technician = await members.get_technician(session, technician_id=technician_id)
    verdicts = await members.assignability(
        session, technician_ids=[technician_id], trade=row.trade or "", on=paris(at).date()
    )
    verdict = verdicts.get(technician_id)
    if verdict is None or not verdict.ok:
        reason = verdict.reason if verdict else "Associé inconnu."
        raise NotAssignable(reason, fields={"technician_id": reason})
    await interventions.record_acceptance(
        session,
        case_id=case_id,
        technician_id=technician_id,
        member_id=technician.member_id,
        duty_id=None,
        alerted_at=None,
        accepted_at=at,
        by=by,
    )
    await interventions.withdraw_offers(session, case_id=case_id, at=at, tell=row.number)


def documents_of(plugin: TradePlugin | None, row: Intervention) -> tuple[DocumentSpec, ...]:
    """The documents that the trade prints for this case, once the report holds what each needs (R90, R93)."""
    if plugin is None:
        return ()
    return tuple(
        document
        for document in plugin.report.documents
        if row.type_code in document.type_codes
        and all(row.report.get(field) not in (None, "") for field in document.required_fields)
    )


async def print_document(
    session: TenantSession,
    *,
    cooperative: CooperativeContext,
    case_id: UUID,
    plugin: TradePlugin,
    code: str,
    at: datetime,
) -> bytes:
    """One of the trade's documents as PDF. Raises DocumentNotAvailable."""
    row = await interventions.case(session, case_id=case_id)
    document = next((found for found in documents_of(plugin, row) if found.code == code), None)
    if document is None:
        raise DocumentNotAvailable
    facts = await quotes.case_facts(session, case_id=case_id, on=paris(at).date())
    known = await interventions.clocks(session, case_id=case_id)
    named = await queries.names(session, case_id=case_id)
    note = await queries.note_of(session, case_id=case_id)
    site = await customers.site_card(session, site_id=row.site_id) if row.site_id else None
    place = [part for part in ((site.address if site else row.address), named.commune or "") if part]
    fields = printed_fields(plugin.report.fields(row.type_code or ""), row.report)
    performer = facts.performer
    insurances = performer.insurances if performer else ()
    data: DocumentData = {
        "document": {"code": document.code, "label": document.label},
        "case": {"number": row.number},
        "cooperative": {
            "name": cooperative.legal_name,
            "address": [cooperative.address],
            "siret": cooperative.siren,
            "phone": show_phone(cooperative.public_number),
        },
        "member": {
            "name": performer.name if performer else named.member or "",
            "siret": performer.siret if performer else "",
            "address": [performer.address, f"{performer.postcode} {performer.city}"] if performer else [],
            "insurance": " ; ".join(
                f"{proof.label} : {proof.issuer}, contrat n° {proof.reference}, {proof.coverage}"
                for proof in insurances
            ),
        },
        "technician": named.technician or "",
        "customer": {"name": named.customer or row.caller_name or "", "address": place},
        "site": {"address": place, "commune": named.commune or ""},
        "trade": plugin.trade.label,
        "type": {"code": row.type_code or "", "label": plugin.types_by_code[row.type_code or ""].label},
        "report": {field["code"]: field["value"] for field in fields},
        "fields": fields,
        "dates": {
            "opened": french_instant(row.requested_at),
            "arrived": french_instant(known.get(Clock.ARRIVED)),
            "safe": french_instant(known.get(Clock.SAFE)),
            "done": french_instant(known.get(Clock.FINISHED)),
            "issued": french_date(paris(at).date()),
        },
        "invoice_number": note.number if note else "",
        "photo_count": len(await interventions.attachments(session, case_id=case_id)),
    }
    return await render_pdf(document.template, data, at=at)
