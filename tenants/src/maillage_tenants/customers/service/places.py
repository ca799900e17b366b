"""The places served, their occupants, their access notes (R72)."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from maillage_kit.crypto import FieldCipher
from maillage_kit.db import TenantSession, violated_constraint
from maillage_kit.errors import Invalid
from maillage_kit.ids import new_id
from maillage_tenants import audit, territory
from maillage_tenants.customers.models import CustomerPhone, Site
from maillage_tenants.customers.service.facts import SiteFacts, sealed, site_columns
from maillage_tenants.customers.service.rows import customer_row, refresh_search, site_row

OCCUPANT = "Occupant"


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
    await customer_row(session, customer_id)
    columns = await _checked_site(session, facts)
    site = Site(id=new_id(), customer_id=customer_id, access_notes=sealed(access_notes, cipher), **columns)
    session.add(site)
    with _reference_once():
        await session.flush()
    await _know_occupant(session, site)
    await refresh_search(session, customer_id)
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
    site = await site_row(session, site_id)
    columns = await _checked_site(session, facts)
    changed = sorted(name for name, value in columns.items() if getattr(site, name) != value)
    if "occupant_phone" in changed:
        await _forget_occupant(session, site)
    for name, value in columns.items():
        setattr(site, name, value)
    with _reference_once():
        await session.flush()
    await _know_occupant(session, site)
    await refresh_search(session, site.customer_id)
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
    site = await site_row(session, site_id)
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
    site = await site_row(session, site_id)
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


@contextmanager
def _reference_once() -> Iterator[None]:
    """A customer calls one place by one name. Raises Invalid when another has it."""
    try:
        yield
    except IntegrityError as refused:
        if violated_constraint(refused) != "uq_site_customer_id_reference":
            raise
        raise Invalid(fields={"reference": "Un autre lieu de ce client a cette référence."}) from refused


async def _checked_site(session: TenantSession, facts: SiteFacts) -> dict[str, str | bool | None]:
    return site_columns(facts, served=await territory.communes_of_postcode(session, postcode=facts.postcode.strip()))


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
