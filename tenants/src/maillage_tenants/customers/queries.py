"""Reading customers. `identify_caller` is on the phone's hot path: one indexed query, no mapped objects."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY

from maillage_kit.db import TenantSession, core
from maillage_kit.direct import DirectStatement
from maillage_kit.pages import Page, PageRequest, cut_page, read_id, read_text
from maillage_kit.rest import Reach
from maillage_tenants.customers import rules
from maillage_tenants.customers.errors import UnknownCustomer, UnknownPhone, UnknownSite
from maillage_tenants.customers.models import (
    ConsumerStatus,
    Customer,
    CustomerKind,
    CustomerPhone,
    PremisesUse,
    Site,
)
from maillage_tenants.members.models import Member
from maillage_tenants.territory.models import Commune


@dataclass(frozen=True, slots=True)
class KnownCaller:
    """A place that a caller may be ringing about; without a site, the customer alone (the last five are None)."""

    customer_id: UUID
    customer_name: str
    referring_member_id: UUID | None
    site_id: UUID | None
    address: str | None
    insee: str | None
    premises_use: PremisesUse | None
    over_two_years: bool | None


_CUSTOMERS, _SITES, _PHONES = core(Customer), core(Site), core(CustomerPhone)
_CALLER = DirectStatement(
    sa.select(
        _CUSTOMERS.c.id,
        _CUSTOMERS.c.name,
        _CUSTOMERS.c.referring_member_id,
        _SITES.c.id,
        _SITES.c.address,
        _SITES.c.insee,
        _SITES.c.premises_use,
        _SITES.c.over_two_years,
    )
    .select_from(_PHONES)
    .join(_CUSTOMERS, _CUSTOMERS.c.id == _PHONES.c.customer_id)
    .outerjoin(
        _SITES,
        sa.and_(
            _SITES.c.customer_id == _PHONES.c.customer_id,
            sa.or_(_PHONES.c.site_id.is_(None), _SITES.c.id == _PHONES.c.site_id),
        ),
    )
    .where(_PHONES.c.phone == sa.bindparam("phone", type_=sa.Text))
    .order_by(_CUSTOMERS.c.created_at, _CUSTOMERS.c.id, _SITES.c.created_at, _SITES.c.id)
    .limit(50)
)


async def identify_caller(session: TenantSession, *, phone: str) -> tuple[KnownCaller, ...]:
    """Who rings from this E.164 number: one row per site; empty when unknown.

    A number tied to one site gives that site only; a number of the customer gives all its sites.
    """
    return tuple(
        KnownCaller(
            customer_id, name, member_id, site_id, address, insee, PremisesUse(use) if use else None, over_two_years
        )
        for customer_id, name, member_id, site_id, address, insee, use, over_two_years in await _CALLER.all(
            session, {"phone": phone}
        )
    )


@dataclass(frozen=True, slots=True)
class SiteCard:
    """A place served, with its customer: what an artisan or the office needs at hand. No access notes (R72)."""

    site_id: UUID
    customer_id: UUID
    customer_number: str
    customer_name: str
    customer_kind: CustomerKind
    consumer_status: ConsumerStatus
    contact_name: str
    email: str | None
    referring_member_id: UUID | None
    reference: str | None
    label: str
    address: str
    complement: str
    postcode: str
    insee: str
    commune: str
    premises_use: PremisesUse
    over_two_years: bool | None
    occupant_name: str
    occupant_phone: str | None
    has_access_notes: bool

    @property
    def one_line(self) -> str:
        """`12 rue de la Harpe, 27000 Évreux`."""
        return f"{self.address}, {self.postcode} {self.commune}"


@dataclass(frozen=True, slots=True)
class PhoneRow:
    id: UUID
    phone: str
    label: str
    site_id: UUID | None
    opt_in_at: datetime | None
    opt_in_source: str | None
    opt_in_wording: str | None
    opt_in_proof: str | None
    opt_in_revoked_at: datetime | None

    @property
    def sales_calls_allowed(self) -> bool:
        """R23."""
        return rules.may_ring_for_sales(opt_in_at=self.opt_in_at, opt_in_revoked_at=self.opt_in_revoked_at)


@dataclass(frozen=True, slots=True)
class CustomerCard:
    """Everything the office sees of a customer."""

    id: UUID
    number: str
    kind: CustomerKind
    consumer_status: ConsumerStatus
    name: str
    contact_name: str
    siren: str | None
    email: str | None
    billing_address: str
    billing_postcode: str
    billing_city: str
    referring_member_id: UUID | None
    referring_member_name: str | None
    created_at: datetime
    sites: tuple[SiteCard, ...]
    phones: tuple[PhoneRow, ...]


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A line of the list. `phone` is the first number, `sites` how many places."""

    id: UUID
    number: str
    kind: CustomerKind
    name: str
    sort_name: str
    contact_name: str
    city: str
    phone: str | None
    sites: int
    referring_member_name: str | None


@dataclass(frozen=True, slots=True)
class MemberChoice:
    id: UUID
    name: str


_SITE_CARD = (
    sa.select(
        Site.id.label("site_id"),
        Customer.id.label("customer_id"),
        Customer.number.label("customer_number"),
        Customer.name.label("customer_name"),
        Customer.kind.label("customer_kind"),
        Customer.consumer_status,
        Customer.contact_name,
        Customer.email,
        Customer.referring_member_id,
        Site.reference,
        Site.label,
        Site.address,
        Site.complement,
        Site.postcode,
        Site.insee,
        Commune.name.label("commune"),
        Site.premises_use,
        Site.over_two_years,
        Site.occupant_name,
        Site.occupant_phone,
        Site.access_notes.is_not(None).label("has_access_notes"),
    )
    .join(Customer, Customer.id == Site.customer_id)
    .join(Commune, Commune.insee == Site.insee)
    .order_by(Site.created_at, Site.id)
)


_SITE_WORDS = sa.func.concat_ws(
    " ", Site.reference, Site.label, Site.address, Site.complement, Site.postcode, Commune.name, Site.occupant_name
)
_SITE_TEXT = sa.func.translate(
    sa.func.replace(sa.func.lower(_SITE_WORDS), "œ", "oe"), rules.ACCENTED, rules.PLAIN
)  # compared with `rules.patterns_of`


async def site_card(session: TenantSession, *, site_id: UUID) -> SiteCard:
    """A place served and its customer, in one query. Raises UnknownSite."""
    row = (await session.execute(_SITE_CARD.where(Site.id == site_id))).one_or_none()
    if row is None:
        raise UnknownSite
    return _site_card(row)


async def site_by_reference(session: TenantSession, *, customer_id: UUID, reference: str) -> SiteCard:
    """The place that the customer calls so in its own books. Raises UnknownSite."""
    row = (
        await session.execute(_SITE_CARD.where(Site.customer_id == customer_id, Site.reference == reference))
    ).one_or_none()
    if row is None:
        raise UnknownSite
    return _site_card(row)


async def customer_card(session: TenantSession, *, customer_id: UUID) -> CustomerCard:
    """A customer with sites and numbers: three queries, however many there are. Raises UnknownCustomer."""
    row = (
        await session.execute(
            sa.select(Customer, Member.name)
            .outerjoin(Member, Member.id == Customer.referring_member_id)
            .where(Customer.id == customer_id)
        )
    ).one_or_none()
    if row is None:
        raise UnknownCustomer
    customer, member_name = row
    sites = await session.execute(_SITE_CARD.where(Site.customer_id == customer_id))
    phones = await session.scalars(
        sa.select(CustomerPhone).where(CustomerPhone.customer_id == customer_id).order_by(CustomerPhone.id)
    )
    return CustomerCard(
        id=customer.id,
        number=customer.number,
        kind=CustomerKind(customer.kind),
        consumer_status=ConsumerStatus(customer.consumer_status),
        name=customer.name,
        contact_name=customer.contact_name,
        siren=customer.siren,
        email=customer.email,
        billing_address=customer.billing_address,
        billing_postcode=customer.billing_postcode,
        billing_city=customer.billing_city,
        referring_member_id=customer.referring_member_id,
        referring_member_name=member_name,
        created_at=customer.created_at,
        sites=tuple(_site_card(site) for site in sites),
        phones=tuple(_phone_row(phone) for phone in phones),
    )


async def phone_of(session: TenantSession, *, customer_id: UUID, phone_id: UUID) -> PhoneRow:
    """One number of one customer. Raises UnknownPhone."""
    phone = await session.get(CustomerPhone, phone_id)
    if phone is None or phone.customer_id != customer_id:
        raise UnknownPhone
    return _phone_row(phone)


async def list_customers(
    session: TenantSession, *, page: PageRequest, text: str = ""
) -> tuple[Page[CustomerRow], bool]:
    """Customers by name, one page, in one query (two when the first finds nothing); and whether names are only close.

    `text`: the beginning of each word, in any order, of names, places, postcodes, or a number (phone or customer).
    Accents do not count. When nothing is found, customers whose words begin alike are proposed (first three letters).
    """
    words = rules.wanted_words(text)
    if text.strip() and not words:
        return cut_page([], page, _sort_values), False
    found = await _customers(session, words, page)
    if not found and words and page.after is None:
        near = rules.near_words(words)
        if near:
            return cut_page((await _customers(session, near, page))[: page.limit], page, _sort_values), True
    return cut_page(found, page, _sort_values), False


async def customers_within(
    session: TenantSession, *, reach: Reach, page: PageRequest, text: str = ""
) -> Page[CustomerRow]:
    """The customers of a client of the API by name, one page; `text` as in `list_customers`, never only close."""
    words = rules.wanted_words(text)
    if text.strip() and not words:
        return cut_page([], page, _sort_values)
    return cut_page(await _customers(session, words, page, reach.where(Customer.id)), page, _sort_values)


async def customer_name(session: TenantSession, *, customer_id: UUID) -> str:
    """Raises UnknownCustomer."""
    name = await session.scalar(sa.select(Customer.name).where(Customer.id == customer_id))
    if name is None:
        raise UnknownCustomer
    return name


async def sites_page(
    session: TenantSession, *, customer_id: UUID, page: PageRequest, reference: str | None = None, text: str = ""
) -> Page[SiteCard]:
    """The places of a customer in the order they were entered, one page.

    `text`: words that all stand somewhere in the reference, the name, the address or the occupant's name, whatever the
    accents.
    """
    wanted = _SITE_CARD.where(Site.customer_id == customer_id).order_by(None).order_by(Site.id).limit(page.limit + 1)
    if reference is not None:
        wanted = wanted.where(Site.reference == reference)
    if patterns := rules.patterns_of(text):  # compared at once: the text is made plain once for each place
        wanted = wanted.where(_SITE_TEXT.like(sa.all_(sa.literal(patterns, sa.ARRAY(sa.Text)))))
    if (last := page.position(read_id)) is not None:
        wanted = wanted.where(Site.id > last[0])
    rows = [_site_card(row) for row in await session.execute(wanted)]
    return cut_page(rows, page, lambda row: (row.site_id,))


async def member_choices(session: TenantSession) -> tuple[MemberChoice, ...]:
    """Members who may have brought a customer (R60): those of today, by name."""
    found = await session.execute(
        sa.select(Member.id, Member.name).where(Member.left_on.is_(None)).order_by(Member.name)
    )
    return tuple(MemberChoice(*row) for row in found)


async def _customers(
    session: TenantSession, words: Sequence[str], page: PageRequest, within: sa.ColumnElement[bool] | None = None
) -> list[CustomerRow]:
    first_phone = (
        sa.select(CustomerPhone.phone)
        .where(CustomerPhone.customer_id == Customer.id)
        .order_by(CustomerPhone.id)
        .limit(1)
        .correlate(Customer)
        .scalar_subquery()
    )
    sites = sa.select(sa.func.count()).where(Site.customer_id == Customer.id).correlate(Customer).scalar_subquery()
    wanted = (
        sa.select(
            Customer.id,
            Customer.number,
            Customer.kind,
            Customer.name,
            Customer.sort_name,
            Customer.contact_name,
            Customer.billing_city,
            first_phone,
            sites,
            Member.name,
        )
        .outerjoin(Member, Member.id == Customer.referring_member_id)
        .order_by(Customer.sort_name, Customer.id)
        .limit(page.limit + 1)
    )
    if within is not None:
        wanted = wanted.where(within)
    if words:
        wanted = wanted.where(Customer.search.op("@@")(sa.cast(rules.prefix_query(words), TSQUERY)))
    if (last := page.position(read_text, read_id)) is not None:
        wanted = wanted.where(sa.tuple_(Customer.sort_name, Customer.id) > last)
    return [CustomerRow(row[0], row[1], CustomerKind(row[2]), *row[3:]) for row in await session.execute(wanted)]


def _sort_values(row: CustomerRow) -> tuple[str, UUID]:
    return row.sort_name, row.id


def _site_card(row: sa.Row[*tuple[Any, ...]]) -> SiteCard:
    fields = dict(row._mapping)
    fields["customer_kind"] = CustomerKind(fields["customer_kind"])
    fields["consumer_status"] = ConsumerStatus(fields["consumer_status"])
    fields["premises_use"] = PremisesUse(fields["premises_use"])
    return SiteCard(**fields)


def _phone_row(phone: CustomerPhone) -> PhoneRow:
    return PhoneRow(
        id=phone.id,
        phone=phone.phone,
        label=phone.label,
        site_id=phone.site_id,
        opt_in_at=phone.opt_in_at,
        opt_in_source=phone.opt_in_source,
        opt_in_wording=phone.opt_in_wording,
        opt_in_proof=phone.opt_in_proof,
        opt_in_revoked_at=phone.opt_in_revoked_at,
    )
