"""Acts on customers, their sites and their numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from maillage_kit import clock
from maillage_kit.crypto import FieldCipher
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.ids import new_id
from maillage_kit.phone import parse_phone
from maillage_kit.registers import parse_siren
from maillage_tenants import audit, numbering, territory
from maillage_tenants.customers import rules
from maillage_tenants.customers.errors import (
    CommuneToChoose,
    PhoneAlreadyThere,
    UnknownCustomer,
    UnknownPhone,
    UnknownSite,
)
from maillage_tenants.customers.models import (
    ConsumerStatus,
    Customer,
    CustomerKind,
    CustomerPhone,
    PremisesUse,
    Site,
)
from maillage_tenants.members.models import Member

ACCESS_NOTES_MAX = 1000
OCCUPANT = "Occupant"


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """What is known of a customer, as typed: checked and tidied when it is written."""

    kind: CustomerKind
    consumer_status: ConsumerStatus
    name: str
    billing_address: str
    billing_postcode: str
    billing_city: str
    contact_name: str = ""
    siren: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """A place served. `insee` may be empty when the postcode serves one commune only (R97).

    `over_two_years`: whether the dwelling was completed more than two years ago, None when not known (R30).
    """

    address: str
    postcode: str
    premises_use: PremisesUse
    insee: str = ""
    label: str = ""
    complement: str = ""
    over_two_years: bool | None = None
    occupant_name: str = ""
    occupant_phone: str = ""


@dataclass(frozen=True, slots=True)
class PhoneConsent:
    """A consent to commercial calls and its proof (R23): where it was given, the words agreed to, what shows it."""

    source: str
    wording: str
    proof: str


@dataclass(frozen=True, slots=True)
class CustomerRef:
    id: UUID
    number: str


# --- the customer -----------------------------------------------------------


async def register_customer(
    session: TenantSession, *, facts: CustomerFacts, referring_member_id: UUID | None = None, by: str
) -> CustomerRef:
    """Write a new customer, brought by a member or by the cooperative itself (R60). Raises Invalid, field by field."""
    columns = customer_columns(facts)
    await _require_member(session, referring_member_id)
    customer = Customer(
        id=new_id(),
        number=await numbering.next_number(session, prefix="C", at=clock.now()),
        referring_member_id=referring_member_id,
        sort_name=territory.search_key(columns["name"] or ""),
        search=_vector([]),
        **columns,
    )
    session.add(customer)
    await session.flush()
    await _refresh_search(session, customer.id)
    await audit.record(session, actor=by, action="customers.register", subject_type="customer", subject_id=customer.id)
    return CustomerRef(customer.id, customer.number)


async def change_customer(session: TenantSession, *, customer_id: UUID, facts: CustomerFacts, by: str) -> None:
    """Correct what is known of a customer. Raises UnknownCustomer, or Invalid field by field."""
    columns = customer_columns(facts)
    customer = await _customer(session, customer_id)
    changed = sorted(name for name, value in columns.items() if getattr(customer, name) != value)
    for name, value in columns.items():
        setattr(customer, name, value)
    customer.sort_name = territory.search_key(customer.name)
    await session.flush()
    await _refresh_search(session, customer_id)
    await audit.record(
        session,
        actor=by,
        action="customers.change",
        subject_type="customer",
        subject_id=customer_id,
        detail={"fields": changed},
    )


async def change_referring_member(
    session: TenantSession, *, customer_id: UUID, member_id: UUID | None, reason: str, by: str
) -> None:
    """Say again who brought the customer. The customer stays with that member (R60): so a reason is asked and kept."""
    if not reason.strip():
        raise Invalid(fields={"reason": "Dites pourquoi l’apporteur change."})
    await _require_member(session, member_id)
    customer = await _customer(session, customer_id)
    before, customer.referring_member_id = customer.referring_member_id, member_id
    await session.flush()
    await audit.record(
        session,
        actor=by,
        action="customers.change_referring_member",
        subject_type="customer",
        subject_id=customer_id,
        detail={"from": before, "to": member_id, "reason": reason.strip()},
    )


# --- sites ------------------------------------------------------------------


async def add_site(
    session: TenantSession,
    *,
    customer_id: UUID,
    facts: SiteFacts,
    cipher: FieldCipher,
    access_notes: str = "",
    by: str,
) -> UUID:
    """Add a place served. `access_notes` (door codes…) is encrypted (R72). Raises UnknownCustomer or Invalid;
    CommuneToChoose when the postcode serves several communes."""
    await _customer(session, customer_id)
    columns = await _checked_site(session, facts)
    site = Site(id=new_id(), customer_id=customer_id, access_notes=sealed(access_notes, cipher), **columns)
    session.add(site)
    await session.flush()
    await _know_occupant(session, site)
    await _refresh_search(session, customer_id)
    await audit.record(
        session,
        actor=by,
        action="customers.add_site",
        subject_type="site",
        subject_id=site.id,
        detail={"customer_id": customer_id},
    )
    return site.id


async def change_site(session: TenantSession, *, site_id: UUID, facts: SiteFacts, by: str) -> None:
    """Correct a place; its access notes are left as they are. Raises UnknownSite, Invalid or CommuneToChoose."""
    site = await _site(session, site_id)
    columns = await _checked_site(session, facts)
    changed = sorted(name for name, value in columns.items() if getattr(site, name) != value)
    if "occupant_phone" in changed:
        await _forget_occupant(session, site)
    for name, value in columns.items():
        setattr(site, name, value)
    await session.flush()
    await _know_occupant(session, site)
    await _refresh_search(session, site.customer_id)
    await audit.record(
        session,
        actor=by,
        action="customers.change_site",
        subject_type="site",
        subject_id=site_id,
        detail={"fields": changed},
    )


async def write_access_notes(
    session: TenantSession, *, site_id: UUID, notes: str, cipher: FieldCipher, by: str
) -> None:
    """Replace the door codes, key locations and the like of a site, encrypted; blank text erases them (R72)."""
    site = await _site(session, site_id)
    site.access_notes = sealed(notes, cipher)
    await session.flush()
    await audit.record(
        session,
        actor=by,
        action="customers.write_access_notes",
        subject_type="site",
        subject_id=site_id,
        detail={"erased": site.access_notes is None},
    )


async def read_access_notes(session: TenantSession, *, site_id: UUID, cipher: FieldCipher, by: str, why: str) -> str:
    """The access notes in clear, empty when there are none. The reading is written in the audit log, with `why` (R72).

    Whether the reader may see them now is the caller's to decide: the office, or the artisan of a case under way.
    Raises UnknownSite; Unavailable when no key opens them.
    """
    site = await _site(session, site_id)
    if site.access_notes is None:
        return ""
    await audit.record(
        session,
        actor=by,
        action="customers.read_access_notes",
        subject_type="site",
        subject_id=site_id,
        detail={"why": why},
    )
    return cipher.decrypt(site.access_notes)


# --- numbers ----------------------------------------------------------------


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
    await _customer(session, customer_id)
    if site_id is not None and (await _site(session, site_id)).customer_id != customer_id:
        raise UnknownSite
    added = await session.execute(
        insert(CustomerPhone)
        .values(id=new_id(), customer_id=customer_id, phone=parse_phone(phone), label=label.strip(), site_id=site_id)
        .on_conflict_do_nothing(index_elements=[CustomerPhone.customer_id, CustomerPhone.phone])
        .returning(CustomerPhone.id)
    )
    phone_id = added.scalar_one_or_none()
    if phone_id is None:
        raise PhoneAlreadyThere(fields={"phone": PhoneAlreadyThere.message})
    if consent is not None:
        await record_phone_consent(session, phone_id=phone_id, consent=consent, by=by)
    await _refresh_search(session, customer_id)
    return phone_id


async def remove_phone(session: TenantSession, *, phone_id: UUID, by: str) -> None:
    """Forget a number. What was consented to, and how, stays in the audit log (R23: the proof is ours to keep)."""
    phone = await _phone(session, phone_id)
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
    await _refresh_search(session, customer_id)


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
    phone = await _phone(session, phone_id)
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
    phone = await _phone(session, phone_id)
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


# --- checks -----------------------------------------------------------------


def customer_columns(facts: CustomerFacts) -> dict[str, str | None]:
    """The columns of a customer, checked and tidied. Raises Invalid field by field."""
    errors: dict[str, str] = {}
    if facts.consumer_status not in rules.CONSUMER_STATUSES[facts.kind]:
        errors["consumer_status"] = "Ce statut ne convient pas à ce type de client."
    if not facts.name.strip():
        errors["name"] = "Indiquez le nom."
    if not facts.billing_address.strip():
        errors["billing_address"] = "Indiquez l’adresse de facturation."
    if not _is_postcode(facts.billing_postcode):
        errors["billing_postcode"] = "Le code postal a 5 chiffres."
    if not facts.billing_city.strip():
        errors["billing_city"] = "Indiquez la ville."
    email = facts.email.strip()
    if email and not rules.looks_like_email(email):
        errors["email"] = "Cette adresse de courriel n’est pas valable."
    siren: str | None = None
    if facts.siren.strip():
        try:
            siren = parse_siren(facts.siren)
        except Invalid as exc:
            errors |= exc.fields
    if errors:
        raise Invalid(fields=errors)
    return {
        "kind": facts.kind,
        "consumer_status": facts.consumer_status,
        "name": " ".join(facts.name.split()),
        "contact_name": " ".join(facts.contact_name.split()),
        "siren": siren,
        "email": email or None,
        "billing_address": facts.billing_address.strip(),
        "billing_postcode": facts.billing_postcode.strip(),
        "billing_city": facts.billing_city.strip(),
    }


async def _checked_site(session: TenantSession, facts: SiteFacts) -> dict[str, str | bool | None]:
    return site_columns(facts, served=await territory.communes_of_postcode(session, postcode=facts.postcode.strip()))


def site_columns(facts: SiteFacts, *, served: Sequence[territory.CommuneRow]) -> dict[str, str | bool | None]:
    """The columns of a place, checked and tidied. `served`: the communes of its postcode. Raises Invalid or
    CommuneToChoose."""
    errors: dict[str, str] = {}
    if not facts.address.strip():
        errors["address"] = "Indiquez l’adresse."
    phone: str | None = None
    if facts.occupant_phone.strip():
        try:
            phone = parse_phone(facts.occupant_phone, field="occupant_phone")
        except Invalid as exc:
            errors |= exc.fields
    insee = ""
    if not _is_postcode(facts.postcode):
        errors["postcode"] = "Le code postal a 5 chiffres."
    elif not served:
        errors["postcode"] = "Ce code postal n’est pas dans le territoire de la coopérative."
    elif facts.insee:
        insee = next((commune.insee for commune in served if commune.insee == facts.insee), "")
        if not insee:
            errors["insee"] = "Cette commune n’a pas ce code postal."
    elif len(served) == 1:
        insee = served[0].insee
    elif not errors:
        raise CommuneToChoose(fields={"insee": f"Le code postal {facts.postcode} couvre {len(served)} communes."})
    else:
        errors["insee"] = "Choisissez la commune."
    if errors:
        raise Invalid(fields=errors)
    return {
        "label": facts.label.strip(),
        "address": facts.address.strip(),
        "complement": facts.complement.strip(),
        "insee": insee,
        "postcode": facts.postcode.strip(),
        "premises_use": facts.premises_use,
        "over_two_years": facts.over_two_years,
        "occupant_name": " ".join(facts.occupant_name.split()),
        "occupant_phone": phone,
    }


async def _know_occupant(session: TenantSession, site: Site) -> None:
    """The occupant's number leads to this site when it rings."""
    if site.occupant_phone:
        await session.execute(
            insert(CustomerPhone)
            .values(
                id=new_id(),
                customer_id=site.customer_id,
                site_id=site.id,
                phone=site.occupant_phone,
                label=OCCUPANT,
            )
            .on_conflict_do_nothing(index_elements=[CustomerPhone.customer_id, CustomerPhone.phone])
        )


async def _forget_occupant(session: TenantSession, site: Site) -> None:
    """The number of somebody who no longer lives there; a consent with its proof is never dropped on the way."""
    await session.execute(
        sa.delete(CustomerPhone).where(
            CustomerPhone.customer_id == site.customer_id,
            CustomerPhone.site_id == site.id,
            CustomerPhone.phone == site.occupant_phone,
            CustomerPhone.label == OCCUPANT,
            CustomerPhone.opt_in_at.is_(None),
        )
    )


def _is_postcode(text: str) -> bool:
    return len(text.strip()) == 5 and text.strip().isdecimal()


def sealed(notes: str, cipher: FieldCipher) -> bytes | None:
    if len(notes) > ACCESS_NOTES_MAX:
        raise Invalid(fields={"access_notes": f"{ACCESS_NOTES_MAX} caractères au plus."})
    return cipher.encrypt(notes.strip()) if notes.strip() else None


async def _require_member(session: TenantSession, member_id: UUID | None) -> None:
    if member_id is not None and await session.get(Member, member_id) is None:
        raise Invalid(fields={"referring_member_id": "Cet associé n’existe pas."})


async def _customer(session: TenantSession, customer_id: UUID) -> Customer:
    customer = await session.get(Customer, customer_id)
    if customer is None:
        raise UnknownCustomer
    return customer


async def _site(session: TenantSession, site_id: UUID) -> Site:
    site = await session.get(Site, site_id)
    if site is None:
        raise UnknownSite
    return site


async def _phone(session: TenantSession, phone_id: UUID) -> CustomerPhone:
    phone = await session.get(CustomerPhone, phone_id)
    if phone is None:
        raise UnknownPhone
    return phone


# --- search -----------------------------------------------------------------


async def _refresh_search(session: TenantSession, customer_id: UUID) -> None:
    """Write again the words that the customer is found by."""
    texts = (
        await session.execute(
            sa.select(
                Customer.number, Customer.name, Customer.contact_name, Customer.billing_postcode, Customer.billing_city
            ).where(Customer.id == customer_id)
        )
    ).one()
    sites = await session.execute(
        sa.select(Site.label, Site.address, Site.postcode, Site.occupant_name).where(Site.customer_id == customer_id)
    )
    phones = await session.scalars(
        sa.union(
            sa.select(CustomerPhone.phone).where(CustomerPhone.customer_id == customer_id),
            sa.select(Site.occupant_phone).where(Site.customer_id == customer_id, Site.occupant_phone.is_not(None)),
        )
    )
    words = rules.search_words([*texts, *(text for site in sites for text in site)], phones)
    await session.execute(sa.update(Customer).where(Customer.id == customer_id).values(search=_vector(words)))


def _vector(words: list[str]) -> sa.ColumnElement[str]:
    return sa.func.array_to_tsvector(sa.cast(words, sa.ARRAY(sa.Text)))
