"""Entering many customers at once: the file that a member or the office brings. Checked like those typed one by one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from maillage_kit import clock
from maillage_kit.crypto import FieldCipher
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.ids import new_id
from maillage_kit.phone import parse_phone
from maillage_tenants import audit, numbering, territory
from maillage_tenants.customers import rules
from maillage_tenants.customers.models import Customer, CustomerPhone, Site
from maillage_tenants.customers.service import (
    OCCUPANT,
    CustomerFacts,
    SiteFacts,
    communes_by_postcode,
    customer_columns,
    sealed,
    site_columns,
)
from maillage_tenants.members.models import Member


@dataclass(frozen=True, slots=True)
class ImportedSite:
    facts: SiteFacts
    access_notes: str = ""


@dataclass(frozen=True, slots=True)
class ImportedCustomer:
    """A customer with its places and the numbers it calls from, as typed."""

    facts: CustomerFacts
    sites: tuple[ImportedSite, ...]
    phones: tuple[str, ...]
    referring_member_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ImportedRef:
    """What an entry became; `site_ids` in the order of its sites."""

    id: UUID
    number: str
    site_ids: tuple[UUID, ...]


async def import_customers(
    session: TenantSession, *, entries: Sequence[ImportedCustomer], cipher: FieldCipher, by: str
) -> tuple[ImportedRef, ...]:
    """Enter customers with their sites and numbers, all or none, in the order given.

    The same checks as `register_customer`, `add_site` and `add_phone`; Invalid names the line (from 1) and the field:
    `12.postcode`. One entry in the audit log says how many were entered and under which numbers.
    """
    if not entries:
        return ()
    known_members = set((await session.scalars(sa.select(Member.id))).all())
    served = communes_by_postcode(await territory.all_communes(session))
    now = clock.now()
    customers: list[dict[str, Any]] = []
    sites: list[dict[str, Any]] = []
    phones: list[dict[str, Any]] = []
    refs: list[ImportedRef] = []
    for line, entry in enumerate(entries, start=1):
        with _naming(line):
            if entry.referring_member_id is not None and entry.referring_member_id not in known_members:
                raise Invalid(fields={"referring_member_id": "Cet associé n’existe pas."})
            columns = customer_columns(entry.facts)
            site_ids = tuple(new_id() for _ in entry.sites)
            places: list[dict[str, Any]] = [
                {
                    "id": site_id,
                    **site_columns(site.facts, served=served.get(site.facts.postcode.strip(), ())),
                    "access_notes": sealed(site.access_notes, cipher),
                    "created_at": now,
                }
                for site_id, site in zip(site_ids, entry.sites, strict=True)
            ]
            numbers = list(dict.fromkeys(parse_phone(phone) for phone in entry.phones))
        refs.append(ImportedRef(new_id(), "", site_ids))
        owner = {"customer_id": refs[-1].id}
        sites += [{**place, **owner} for place in places]
        phones += _phone_rows(owner, numbers, places)
        customers.append(
            {
                "id": refs[-1].id,
                "referring_member_id": entry.referring_member_id,
                "sort_name": territory.search_key(columns["name"] or ""),
                "created_at": now,
                "words": _words(columns, places, numbers),
                **columns,
            }
        )
    given = await numbering.next_numbers(session, prefix="C", at=now, count=len(entries))
    for customer, number in zip(customers, given, strict=True):
        customer["number"] = number
        customer["words"] = sorted({*customer["words"], *rules.search_words([number], ())})
    words = sa.bindparam("words", type_=sa.ARRAY(sa.Text))
    await session.execute(sa.insert(Customer).values(search=sa.func.array_to_tsvector(words)), customers)
    if sites:
        await session.execute(sa.insert(Site), sites)
    if phones:
        await session.execute(sa.insert(CustomerPhone), phones)
    await audit.record(
        session,
        actor=by,
        action="customers.import",
        subject_type="customer",
        subject_id=f"{given[0]} – {given[-1]}",
        detail={"customers": len(customers), "sites": len(sites), "phones": len(phones)},
    )
    return tuple(ImportedRef(ref.id, number, ref.site_ids) for ref, number in zip(refs, given, strict=True))


def _phone_rows(
    owner: dict[str, Any], numbers: Sequence[str], places: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The customer's own numbers lead to all its sites, an occupant's to theirs."""
    rows = {number: {"id": new_id(), **owner, "phone": number, "label": "", "site_id": None} for number in numbers}
    for place in places:
        number = place["occupant_phone"]
        if number and number not in rows:
            rows[number] = {"id": new_id(), **owner, "phone": number, "label": OCCUPANT, "site_id": place["id"]}
    return list(rows.values())


def _words(columns: dict[str, str | None], places: Sequence[dict[str, Any]], numbers: Sequence[str]) -> list[str]:
    """The same words as the service writes for one customer, its number left out."""
    texts = [columns[name] or "" for name in ("name", "contact_name", "billing_postcode", "billing_city")]
    texts += [place[name] for place in places for name in ("label", "address", "postcode", "occupant_name")]
    occupants = [place["occupant_phone"] for place in places if place["occupant_phone"]]
    return rules.search_words(texts, [*numbers, *occupants])


@contextmanager
def _naming(line: int) -> Iterator[None]:
    """Say on which line a field is wrong."""
    try:
        yield
    except Invalid as wrong:
        raise Invalid(
            f"Ligne {line} : {wrong.message}",
            fields={f"{line}.{name}": message for name, message in wrong.fields.items()},
        ) from wrong
