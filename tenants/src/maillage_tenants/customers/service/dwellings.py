"""A landlord brings its dwellings: those it names anew are added, those it named before are corrected, row by row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from maillage_kit import clock
from maillage_kit.crypto import FieldCipher
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.ids import new_id
from maillage_tenants import audit, territory
from maillage_tenants.customers import partner_queries
from maillage_tenants.customers.models import CustomerPhone, Site
from maillage_tenants.customers.service.facts import SiteFacts, communes_by_postcode, sealed, site_columns
from maillage_tenants.customers.service.places import OCCUPANT
from maillage_tenants.customers.service.rows import customer_row, refresh_search


class RowOutcome(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Dwelling:
    """One row: a place with its reference in the landlord's books. Blank access notes leave those on file."""

    facts: SiteFacts
    access_notes: str = ""


@dataclass(frozen=True, slots=True)
class RowReport:
    """What became of a row, counted from 1. `errors`: field → why, for an invalid one, which changes nothing."""

    row: int
    reference: str
    outcome: RowOutcome
    site_id: UUID | None
    errors: Mapping[str, str]


async def import_dwellings(
    session: TenantSession,
    *,
    customer_id: UUID,
    dwellings: Sequence[Dwelling],
    cipher: FieldCipher,
    by: str,
    dry_run: bool = False,
) -> tuple[RowReport, ...]:
    """Enter or correct the dwellings of one customer, in the order given; a wrong row is reported and stops no other.

    The same checks as `add_site`. `dry_run` reports and writes nothing. The same rows again change nothing. One entry
    in the audit log. Raises UnknownCustomer.
    """
    await customer_row(session, customer_id)
    await partner_queries.lock_customer(session, customer_id=customer_id)
    served = communes_by_postcode(await territory.all_communes(session))
    wanted = [" ".join((dwelling.facts.reference or "").split()) for dwelling in dwellings]
    known = await partner_queries.places_by_reference(session, customer_id=customer_id, references=sorted(set(wanted)))
    added: list[dict[str, Any]] = []
    changed: list[tuple[Site, dict[str, Any]]] = []
    reports: list[RowReport] = []
    first_rows: dict[str, int] = {}
    for row, (dwelling, reference) in enumerate(zip(dwellings, wanted, strict=True), start=1):
        try:
            if not reference:
                raise Invalid(fields={"reference": "Donnez votre référence du logement."})
            if first_rows.setdefault(reference, row) != row:
                raise Invalid(fields={"reference": f"Déjà donnée à la ligne {first_rows[reference]}."})
            columns: dict[str, Any] = dict(
                site_columns(dwelling.facts, served=served.get(dwelling.facts.postcode.strip(), ()))
            )
            notes = sealed(dwelling.access_notes, cipher)
        except Invalid as wrong:
            reports.append(RowReport(row, reference, RowOutcome.INVALID, None, wrong.fields))
            continue
        site = known.get(reference)
        if site is None:
            columns |= {"id": new_id(), "customer_id": customer_id, "access_notes": notes, "created_at": clock.now()}
            added.append(columns)
            reports.append(RowReport(row, reference, RowOutcome.CREATED, columns["id"], {}))
            continue
        new = {name: value for name, value in columns.items() if getattr(site, name) != value}
        if notes is not None:
            new["access_notes"] = notes
        outcome = RowOutcome.UPDATED if new else RowOutcome.UNCHANGED
        reports.append(RowReport(row, reference, outcome, site.id, {}))
        if new:
            changed.append((site, new))
    if not dry_run:
        await _write(session, customer_id, added, changed, by=by)
    return tuple(reports)


async def _write(
    session: TenantSession,
    customer_id: UUID,
    added: list[dict[str, Any]],
    changed: list[tuple[Site, dict[str, Any]]],
    *,
    by: str,
) -> None:
    if not added and not changed:
        return
    if added:
        await session.execute(sa.insert(Site), added)
    gone = []
    for site, new in changed:
        if "occupant_phone" in new and site.occupant_phone:
            gone.append((site.id, site.occupant_phone))
        for name, value in new.items():
            setattr(site, name, value)
    await session.flush()
    if gone:  # a consent with its proof is never dropped on the way (R23)
        await session.execute(
            sa.delete(CustomerPhone).where(
                sa.tuple_(CustomerPhone.site_id, CustomerPhone.phone).in_(gone),
                CustomerPhone.label == OCCUPANT,
                CustomerPhone.opt_in_at.is_(None),
            )
        )
    occupants = [(place["id"], place["occupant_phone"]) for place in added]
    occupants += [(site.id, site.occupant_phone) for site, _ in changed]
    rows = [
        {"id": new_id(), "customer_id": customer_id, "site_id": site_id, "phone": phone, "label": OCCUPANT}
        for site_id, phone in occupants
        if phone
    ]
    if rows:
        await session.execute(
            insert(CustomerPhone).on_conflict_do_nothing(
                index_elements=[CustomerPhone.customer_id, CustomerPhone.phone]
            ),
            rows,
        )
    await refresh_search(session, customer_id)
    await audit.record(
        session,
        actor=by,
        action="customers.import_dwellings",
        subject_type="customer",
        subject_id=customer_id,
        detail={"added": len(added), "changed": len(changed)},
    )
