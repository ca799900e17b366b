"""Signing a quote: a drawn signature, or a one-time code received by SMS (R4). Refusing it."""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from maillage_kit import clock, outside
from maillage_kit.context import CooperativeContext
from maillage_kit.crypto import same
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.ids import new_id
from maillage_kit.pdf import on_paper, render_pdf
from maillage_kit.phone import parse_phone, show_phone
from maillage_tenants import alarms, audit, interventions, messages
from maillage_tenants.customers import ConsumerStatus
from maillage_tenants.interventions import WorkAuthority
from maillage_tenants.quotes import queries, rules
from maillage_tenants.quotes.document import SignatureBlock, quote_data
from maillage_tenants.quotes.errors import (
    CertificationNeeded,
    DocumentChanged,
    QuoteExpired,
    QuoteNotSignable,
    TooManyCodes,
)
from maillage_tenants.quotes.models import Quote, QuoteKind, QuoteState, SignatureMethod, SigningCode
from maillage_tenants.quotes.service.copies import ask_for_copy
from maillage_tenants.quotes.service.telling import tell_decided
from maillage_tenants.subscriptions import ContractChannel


@dataclass(frozen=True, slots=True)
class SigningOutcome:
    """What became of a code. A wrong one is not an exception: the attempt must stay counted."""

    signed: bool
    refusal: str = ""
    attempts_left: int = 0


async def work_authority(session: TenantSession, *, case_id: UUID) -> WorkAuthority:
    """Whether work may start on the case: a signed quote (R4), or the danger written down on it (R6)."""
    row = await interventions.case(session, case_id=case_id)
    return WorkAuthority(signed=await queries.has_signed(session, case_id=case_id), danger_reason=row.danger_reason)


async def request_signing_code(session: TenantSession, *, quote_id: UUID, phone: str, by: str) -> None:
    """Send a six-digit code to the customer's phone; it signs this quote within ten minutes, in five attempts.

    A new code makes the one before useless. Raises Invalid for a bad number, QuoteNotSignable, QuoteExpired,
    TooManyCodes (one a minute, five an hour).
    """
    row = await _signable(session, quote_id)
    now = clock.now()
    recent = await queries.codes_since(session, quote_id=quote_id, since=now - timedelta(hours=1))
    if len(recent) >= rules.CODES_AN_HOUR or (recent and recent[0].created_at > now - rules.CODE_EVERY):
        raise TooManyCodes
    number = parse_phone(phone)
    code = f"{secrets.randbelow(1_000_000):06d}"
    code_id = new_id()
    session.add(
        SigningCode(
            id=code_id,
            quote_id=quote_id,
            phone=number,
            code_hash=await asyncio.to_thread(rules.code_hash, code_id, code),
            created_at=now,
            expires_at=now + rules.CODE_LIFE,
        )
    )
    await session.flush()
    await messages.send_sms(
        session,
        to=number,
        body=messages.wording("signing_code", code=code, number=row.number, amount=row.gross),
        purpose="signing_code",
        dedupe_key=f"signing-code:{code_id}",
        intervention_id=row.intervention_id,
    )
    await audit.record(
        session, actor=by, action="quotes.send_code", subject_type="quote", subject_id=quote_id, detail={"to": number}
    )


async def sign_with_code(
    session: TenantSession,
    *,
    cooperative: CooperativeContext,
    quote_id: UUID,
    code: str,
    signed_by: str,
    vat_certified: bool = False,
    by: str = "client",
) -> SigningOutcome:
    """Sign with the code received by SMS. A wrong, expired or worn-out code gives a refusal in French, no exception.

    Raises as `sign_drawn`, but for the signature itself.
    """
    row = await _signable(session, quote_id)
    name = await _checked(session, row, signed_by=signed_by, vat_certified=vat_certified)
    sent = await queries.latest_code(session, quote_id=quote_id)
    now = clock.now()
    if sent is None or sent.used_at is not None or now >= sent.expires_at:
        return SigningOutcome(signed=False, refusal="Ce code n’est plus valable : demandez-en un nouveau.")
    if sent.attempts >= rules.CODE_ATTEMPTS:
        return SigningOutcome(signed=False, refusal="Trop d’essais : demandez un nouveau code.")
    sent.attempts += 1
    await session.flush()
    if not await asyncio.to_thread(rules.code_matches, sent.id, "".join(code.split()), sent.code_hash):
        left = rules.CODE_ATTEMPTS - sent.attempts
        again = "demandez un nouveau code" if left == 0 else f"encore {left} essai{'s' if left > 1 else ''}"
        return SigningOutcome(signed=False, refusal=f"Ce n’est pas le bon code : {again}.", attempts_left=left)
    sent.used_at = now
    await _sign(
        session,
        row,
        cooperative=cooperative,
        name=name,
        method=SignatureMethod.CODE,
        proof={"phone": sent.phone, "code_id": str(sent.id)},
        image=None,
        vat_certified=vat_certified,
        at=now,
        by=by,
    )
    return SigningOutcome(signed=True)


async def sign_drawn(
    session: TenantSession,
    *,
    cooperative: CooperativeContext,
    quote_id: UUID,
    png_data_url: str,
    signed_by: str,
    vat_certified: bool = False,
    by: str,
) -> None:
    """Sign with the drawing of the signature pad (a PNG data URL). What is signed is the PDF's SHA-256.

    `vat_certified`: the customer certifies R33, required when the reduced rate rests on the age of the dwelling.
    Raises SignatureUnreadable, Invalid without a name, CertificationNeeded, QuoteNotSignable, QuoteExpired.
    A signature after work started is accepted, written and alarmed (R4, R9).
    """
    row = await _signable(session, quote_id)
    name = await _checked(session, row, signed_by=signed_by, vat_certified=vat_certified)
    image = await asyncio.to_thread(rules.drawn_signature, png_data_url)
    await _sign(
        session,
        row,
        cooperative=cooperative,
        name=name,
        method=SignatureMethod.DRAWN,
        proof={"image_sha256": rules.sha256(image)},
        image=image,
        vat_certified=vat_certified,
        at=clock.now(),
        by=by,
    )


async def sign_for_partner(
    session: TenantSession,
    *,
    cooperative: CooperativeContext,
    quote_id: UUID,
    document_sha256: str,
    signed_by: str,
    vat_certified: bool,
    software: str = "",
    proof: Mapping[str, str],
    by: str,
) -> None:
    """Sign as who pays, for the document that is named by hash and for no other (R4).

    `software`: what gave the agreement; "": a person of who pays, signed in to their account. `proof`: which client and
    which token, or which account. Raises DocumentChanged for another document, and as
    `sign_drawn` but for the signature itself.
    """
    row = await _signable(session, quote_id)
    if not same(document_sha256, row.document_sha256 or ""):
        raise DocumentChanged
    name = await _checked(session, row, signed_by=signed_by, vat_certified=vat_certified)
    await _sign(
        session,
        row,
        cooperative=cooperative,
        name=name,
        method=SignatureMethod.PARTNER,
        proof={**proof, **({"software": software} if software else {})},
        image=None,
        vat_certified=vat_certified,
        at=clock.now(),
        by=by,
    )


async def refuse_quote(session: TenantSession, *, quote_id: UUID, by: str, reason: str = "") -> None:
    """The customer says no. Raises QuoteNotSignable unless the quote waits for a signature."""
    row = await queries.quote_row(session, quote_id=quote_id, lock=True)
    if row.state != QuoteState.SENT:
        raise QuoteNotSignable
    row.state = QuoteState.REFUSED
    row.refused_at = clock.now()
    words = " ".join(reason.split())
    await interventions.add_event(
        session,
        case_id=row.intervention_id,
        kind="quote_refused",
        text=f"Devis {row.number} refusé par le client{f' : {words}' if words else ''}",
        actor=by,
        detail={"quote_id": str(row.id)},
    )
    await tell_decided(session, row, decision="refused")
    await outside.notify(session, f"case:{row.intervention_id}", row.intervention_id)


async def _signable(session: TenantSession, quote_id: UUID) -> Quote:
    row = await queries.quote_row(session, quote_id=quote_id, lock=True)
    if row.state != QuoteState.SENT:
        raise QuoteNotSignable
    if row.valid_until is None or clock.now() >= row.valid_until:
        raise QuoteExpired
    return row


async def _checked(session: TenantSession, row: Quote, *, signed_by: str, vat_certified: bool) -> str:
    name = " ".join(signed_by.split())
    if len(name) < 2:
        raise Invalid("Écrivez le nom de la personne qui signe.", fields={"signed_by": "Nom attendu."})
    view = await queries.quote_view(session, quote_id=row.id)
    if view.needs_certification and not vat_certified:
        raise CertificationNeeded(fields={"vat_certified": "À cocher, ou établir le devis au taux de 20 %."})
    return name


async def _sign(
    session: TenantSession,
    row: Quote,
    *,
    cooperative: CooperativeContext,
    name: str,
    method: SignatureMethod,
    proof: dict[str, Any],
    image: bytes | None,
    vat_certified: bool,
    at: datetime,
    by: str,
) -> None:
    view = await queries.quote_view(session, quote_id=row.id)
    certified = view.needs_certification and vat_certified
    row.state = QuoteState.SIGNED
    row.signed_at, row.signed_by, row.signature_method = at, name, method
    row.signature_image = image
    row.vat_certified = certified
    row.signature_proof = {
        **proof,
        "document_sha256": row.document_sha256,
        "recorded_by": by,
        "vat_certification": view.certification_text if certified else None,
    }
    if rules.may_withdraw(
        scope=rules.scope_of(view.kind),
        channel=ContractChannel(row.channel),
        status=ConsumerStatus(row.parties["customer"]["status"]),
    ):
        row.withdrawal_deadline = rules.withdrawal_deadline(at, cooperative.department)
    block = SignatureBlock(
        name=name,
        at=at,
        method=method,
        phone=show_phone(proof.get("phone")) if proof.get("phone") else None,
        software=proof.get("software", ""),
        sha256=row.document_sha256 or "",
        image=image,
    )
    row.signed_document = await render_pdf(
        on_paper("maillage_tenants.quotes", "quote"),
        quote_data(view, department=cooperative.department, signature=block),
        at=at,
    )
    await session.flush()
    await audit.record(
        session,
        actor=by,
        action="quotes.sign",
        subject_type="quote",
        subject_id=row.id,
        detail={"number": row.number, "method": str(method), "sha256": row.document_sha256, "certified": certified},
    )
    await interventions.add_event(
        session,
        case_id=row.intervention_id,
        kind="quote_signed",
        text=f"Devis {row.number} signé par {name}",
        actor=by,
        at=at,
        detail={"quote_id": str(row.id)},
    )
    await ask_for_copy(session, quote_id=row.id, signed=True)
    await tell_decided(session, row, decision="signed")
    if row.kind == QuoteKind.EMERGENCY:
        await _look_at_late_signature(session, row, at=at, by=by)
    await outside.notify(session, f"case:{row.intervention_id}", row.intervention_id)


async def _look_at_late_signature(session: TenantSession, row: Quote, *, at: datetime, by: str) -> None:
    """L.5: a signature after work started is always written in the audit log; without a danger reason it alarms."""
    facts = await queries.case_facts(session, case_id=row.intervention_id, on=clock.paris(at).date())
    if facts.work_started_at is None or facts.work_started_at >= at:
        return
    await audit.record(
        session,
        actor=by,
        action="quotes.signed_after_work",
        subject_type="quote",
        subject_id=row.id,
        detail={"number": row.number, "work_started_at": facts.work_started_at, "danger": bool(facts.danger_reason)},
    )
    if not facts.danger_reason:
        await alarms.raise_alarm(
            session,
            kind="quote_after_work",
            severity=alarms.Severity.WARNING,
            title=f"Devis {row.number} signé après le début des travaux",
            detail="Le devis doit être signé avant les travaux (arrêté du 24 janvier 2017).",
            link=f"/cases/{row.intervention_id}",
            dedupe_key=f"quote-after-work:{row.id}",
            subject_id=row.intervention_id,
        )
