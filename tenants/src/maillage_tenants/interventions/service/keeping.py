"""What the case keeps: the report, photos and documents, what comes after it."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from maillage_hooks import TradePlugin
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_tenants.interventions import files, queries, reports
from maillage_tenants.interventions.errors import StepNotAllowed
from maillage_tenants.interventions.models import Attachment, Lead, Source, State
from maillage_tenants.interventions.service.opening import CaseRef, NewCase, open_case
from maillage_tenants.interventions.service.story import add_event, changed

ATTACHMENT_LABELS: Mapping[str, str] = {
    "before": "Photo avant",
    "danger": "Photo du danger",
    "after": "Photo après",
    "other": "Photo",
    "document": "Document",
}


async def save_report(
    session: TenantSession,
    *,
    case_id: UUID,
    trade_plugin: TradePlugin,
    values: Mapping[str, str],
    complete: bool,
    at: datetime,
    by: str,
) -> None:
    """Keep the artisan's report, checked against the fields that the trade declares (R84), with their version.

    `complete`: every required field must be there; otherwise a draft is kept. Raises InvalidReport naming the fields,
    StepNotAllowed once the case is over or before the artisan has arrived.
    """
    row = await queries.locked_case(session, case_id=case_id)
    if State(row.state) not in (State.ON_SITE, State.MADE_SAFE, State.PARTIAL, State.DONE, State.ON_HOLD):
        raise StepNotAllowed
    fields = trade_plugin.report.fields(row.type_code or "")
    checked = reports.check_report(fields, values, complete=complete)
    if complete and checked != row.report:
        await add_event(
            session, case_id=case_id, kind="report", text="Rapport d’intervention enregistré", actor=by, at=at
        )
    row.report, row.report_version = checked, trade_plugin.report.version
    await changed(session, row)


async def add_attachment(
    session: TenantSession, *, case_id: UUID, kind: str, filename: str, content: bytes, at: datetime, by: str
) -> UUID:
    """Keep a photo or a PDF with the case. Its type is read from its first bytes, never from its name.

    Raises UnknownFile, FileTooLarge (8 MB), Invalid for an unknown `kind`, StepNotAllowed on a case redirected or
    cancelled.
    """
    if kind not in ATTACHMENT_LABELS:
        raise Invalid("Choisissez une sorte de document.", fields={"kind": "Valeur inconnue."})
    row = await queries.locked_case(session, case_id=case_id)
    if State(row.state) in (State.REDIRECTED, State.CANCELLED):
        raise StepNotAllowed
    content_type = files.sniff(content)
    attachment = Attachment(
        intervention_id=case_id,
        kind=kind,
        filename=files.safe_name(filename, content_type),
        content_type=content_type,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        created_by=by,
    )
    session.add(attachment)
    await session.flush()
    await add_event(
        session,
        case_id=case_id,
        kind="attachment",
        text=f"{ATTACHMENT_LABELS[kind]} ajoutée" if kind != "document" else "Document ajouté",
        actor=by,
        at=at,
        detail={"attachment": str(attachment.id)},
    )
    await changed(session, row)
    return attachment.id


async def open_follow_up(session: TenantSession, *, case_id: UUID, reason: str, at: datetime, by: str) -> CaseRef:
    """A second visit: a new case for the same customer and place, tied to the first. Raises Invalid, StepNotAllowed."""
    words = " ".join(reason.split())
    if len(words) < 3:
        raise Invalid("Dites ce qui reste à faire.", fields={"reason": "Un motif est attendu."})
    row = await queries.locked_case(session, case_id=case_id)
    if State(row.state) not in (State.PARTIAL, State.DONE, State.CLOSED):
        raise StepNotAllowed
    follow_up = await open_case(
        session,
        facts=NewCase(
            source=Source.DESK,
            requested_at=at,
            by=by,
            caller_name=row.caller_name,
            caller_phone=row.caller_phone,
            address=row.address,
            insee=row.insee,
            sector_id=row.sector_id,
            trade=row.trade,
            request_words=f"Suite de {row.number} : {words}",
            customer_id=row.customer_id,
            site_id=row.site_id,
            subscription_id=row.subscription_id,
            referring_member_id=row.referring_member_id,
            premises_use=row.premises_use,
            over_two_years=row.over_two_years,
            follow_up_of=case_id,
        ),
    )
    await add_event(
        session, case_id=case_id, kind="follow_up", text=f"Seconde visite : dossier {follow_up.number}", actor=by, at=at
    )
    return follow_up


async def create_lead(session: TenantSession, *, case_id: UUID, title: str, detail: str, at: datetime, by: str) -> UUID:
    """Work beyond the emergency (R15): offered to the member who brought the customer, else to the one who came (R60).

    Raises Invalid without a title, StepNotAllowed when there is no member to give it to.
    """
    words = " ".join(title.split())
    if len(words) < 3:
        raise Invalid("Nommez les travaux.", fields={"title": "Quelques mots sont attendus."})
    row = await queries.locked_case(session, case_id=case_id)
    member_id = row.referring_member_id or row.member_id
    if member_id is None or State(row.state) in (State.REDIRECTED, State.CANCELLED):
        raise StepNotAllowed("Aucun associé à qui proposer ces travaux.")
    brought = row.referring_member_id is not None
    reason = "Client apporté par cet associé (R60)" if brought else "Client sans apporteur : associé intervenu"
    lead = Lead(
        intervention_id=case_id, member_id=member_id, reason=reason, title=words, detail=detail.strip(), created_by=by
    )
    session.add(lead)
    await session.flush()
    await add_event(
        session,
        case_id=case_id,
        kind="lead",
        text=f"Travaux à proposer : {words}",
        actor=by,
        at=at,
        detail={"lead": str(lead.id), "member": str(member_id), "reason": reason},
    )
    await changed(session, row)
    return lead.id


def report_is_complete(row_report: Mapping[str, object], trade_plugin: TradePlugin, type_code: str) -> bool:
    """True when every required field of the trade is in the report."""
    return not reports.missing_fields(trade_plugin.report.fields(type_code), row_report)
