"""The numbers a customer calls from, and the consents to commercial calls (R23)."""

from uuid import UUID

from maillage_kit import clock
from maillage_kit.db import TenantSession, insert_once
from maillage_kit.errors import Invalid
from maillage_kit.phone import parse_phone
from maillage_tenants import audit
from maillage_tenants.customers.errors import PhoneAlreadyThere, UnknownSite
from maillage_tenants.customers.models import CustomerPhone
from maillage_tenants.customers.service.facts import PhoneConsent
from maillage_tenants.customers.service.rows import customer_row, phone_row, refresh_search, site_row


async def add_phone(
    session: TenantSession,
    *,
    customer_id: UUID,
    phone: str,
    label: str = "",
    site_id: UUID | None = None,
    consent: PhoneConsent | None = None,
    by: str,
) -> UUID:
    """Add a number the customer calls from, typed as people type. Raises Invalid, PhoneAlreadyThere, UnknownSite."""
    await customer_row(session, customer_id)
    if site_id is not None and (await site_row(session, site_id)).customer_id != customer_id:
        raise UnknownSite
    phone_id = await insert_once(
        session,
        CustomerPhone,
        unique=[CustomerPhone.customer_id, CustomerPhone.phone],
        customer_id=customer_id,
        phone=parse_phone(phone),
        label=label.strip(),
        site_id=site_id,
    )
    if phone_id is None:
        raise PhoneAlreadyThere(fields={"phone": PhoneAlreadyThere.message})
    if consent is not None:
        await record_phone_consent(session, phone_id=phone_id, consent=consent, by=by)
    await refresh_search(session, customer_id)
    return phone_id


async def remove_phone(session: TenantSession, *, phone_id: UUID, by: str) -> None:
    """Forget a number. What was consented to, and how, stays in the audit log (R23: the proof is ours to keep)."""
    phone = await phone_row(session, phone_id)
    await audit.record(
        session,
        actor=by,
        action="customers.remove_phone",
        subject_type="customer",
        subject_id=phone.customer_id,
        detail={"phone": phone.phone, "opt_in_at": phone.opt_in_at, "opt_in_revoked_at": phone.opt_in_revoked_at},
    )
    customer_id = phone.customer_id
    await session.delete(phone)
    await session.flush()
    await refresh_search(session, customer_id)


async def record_phone_consent(session: TenantSession, *, phone_id: UUID, consent: PhoneConsent, by: str) -> None:
    """Record that the customer agreed to commercial calls on this number, with the proof (R23). Raises Invalid when
    the source, the words or the proof is missing: the burden of proof is on the cooperative."""
    missing = {
        name: message
        for name, value, message in (
            ("source", consent.source, "Dites où l’accord a été donné."),
            ("wording", consent.wording, "Recopiez la phrase à laquelle le client a dit oui."),
            ("proof", consent.proof, "Dites ce qui prouve l’accord."),
        )
        if not value.strip()
    }
    if missing:
        raise Invalid(fields=missing)
    phone = await phone_row(session, phone_id)
    phone.opt_in_at = clock.now()
    phone.opt_in_source = consent.source.strip()
    phone.opt_in_wording = consent.wording.strip()
    phone.opt_in_proof = consent.proof.strip()
    phone.opt_in_revoked_at = None
    await session.flush()
    await audit.record(
        session,
        actor=by,
        action="customers.record_phone_consent",
        subject_type="customer",
        subject_id=phone.customer_id,
        detail={
            "phone": phone.phone,
            "source": phone.opt_in_source,
            "wording": phone.opt_in_wording,
            "proof": phone.opt_in_proof,
        },
    )


async def revoke_phone_consent(session: TenantSession, *, phone_id: UUID, by: str) -> None:
    """The customer no longer wants commercial calls (R23). Harmless when no consent was recorded; the first
    revocation is kept."""
    phone = await phone_row(session, phone_id)
    if phone.opt_in_at is None or phone.opt_in_revoked_at is not None:
        return
    phone.opt_in_revoked_at = clock.now()
    await session.flush()
    await audit.record(
        session,
        actor=by,
        action="customers.revoke_phone_consent",
        subject_type="customer",
        subject_id=phone.customer_id,
        detail={"phone": phone.phone},
    )
