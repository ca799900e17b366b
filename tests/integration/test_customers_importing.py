"""Entering a file of customers: the same as typing them one by one, all or none."""

from datetime import date

import pytest
import sqlalchemy as sa

from maillage_app.demo.fiction import fictional_siren, fictional_siret
from maillage_app.runtime import Runtime
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_tenants import audit, customers, members
from maillage_tenants.customers import ConsumerStatus, CustomerFacts, CustomerKind, PremisesUse, SiteFacts
from maillage_tenants.customers.models import Customer, CustomerPhone, Site

FACTS = CustomerFacts(
    kind=CustomerKind.PERSON,
    consumer_status=ConsumerStatus.CONSUMER,
    name="Élodie  Lefèvre",
    billing_address=" 4, rue du Moulin ",
    billing_postcode="27500",
    billing_city="Pont-Audemer",
    email="elodie.lefevre@exemple.example",
)
SITE = SiteFacts(
    address="4, rue du Moulin",
    postcode="27500",
    insee="27467",
    premises_use=PremisesUse.DWELLING,
    over_two_years=True,
    occupant_name="Marc Lefèvre",
    occupant_phone="02 61 91 00 02",
)
NOTES = "Code 4512, clé chez la voisine"


def entry(**changes: object) -> customers.ImportedCustomer:
    shape = {"facts": FACTS, "sites": (customers.ImportedSite(SITE, NOTES),), "phones": ("02 61 91 00 01",)}
    return customers.ImportedCustomer(**{**shape, **changes})  # type: ignore[arg-type]


async def stored(session: TenantSession, customer_id: object) -> list[dict[str, object]]:
    """Everything kept of a customer, without what differs by nature: keys, numbers, sealed bytes."""
    apart = {"id", "customer_id", "site_id", "number", "search", "access_notes"}
    return [
        {name: value for name, value in row.items() if name not in apart}
        for table, column, order in (
            (Customer, Customer.id, Customer.id),
            (Site, Site.customer_id, Site.address),
            (CustomerPhone, CustomerPhone.customer_id, CustomerPhone.phone),
        )
        for row in (
            await session.execute(sa.select(table.__table__).where(column == customer_id).order_by(order))
        ).mappings()
    ]


async def test_imported_is_the_same_as_typed(runtime: Runtime, eure: CooperativeContext) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        typed = await customers.register_customer(session, facts=FACTS, by="tests")
        await customers.add_site(
            session, customer_id=typed.id, facts=SITE, cipher=runtime.cipher, access_notes=NOTES, by="tests"
        )
        await customers.add_phone(session, customer_id=typed.id, phone="02 61 91 00 01", by="tests")
        (imported,) = await customers.import_customers(session, entries=[entry()], cipher=runtime.cipher, by="tests")
        assert await stored(session, imported.id) == await stored(session, typed.id)
        assert (typed.number, imported.number) == ("C-2027-000001", "C-2027-000002")
        searched = dict((await session.execute(sa.select(Customer.id, sa.cast(Customer.search, sa.Text)))).all())
        assert searched[imported.id].replace("000002", "000001") == searched[typed.id]
        notes = await customers.read_access_notes(
            session, site_id=imported.site_ids[0], cipher=runtime.cipher, by="tests", why="test"
        )
        assert notes == NOTES
        found = await customers.identify_caller(session, phone="+33261910001")
        occupant = await customers.identify_caller(session, phone="+33261910002")
    assert {row.customer_id for row in found} == {typed.id, imported.id}
    assert {row.site_id for row in occupant} >= set(imported.site_ids)


async def test_many_are_numbered_in_order_without_gap_and_written_down(
    runtime: Runtime, eure: CooperativeContext
) -> None:
    many = [entry(phones=(f"02 61 91 01 {place:02d}",)) for place in range(30)]
    async with runtime.database.tenant(eure.tenant) as session:
        refs = await customers.import_customers(session, entries=many, cipher=runtime.cipher, by="Hélène Marchand")
        assert [ref.number for ref in refs] == [f"C-2027-{place:06d}" for place in range(1, 31)]
        (line,) = await audit.entries_about(
            session, subject_type="customer", subject_id="C-2027-000001 – C-2027-000030"
        )
    assert (line.actor, line.action, line.detail["customers"]) == ("Hélène Marchand", "customers.import", 30)


async def test_a_wrong_line_is_named_and_nothing_is_entered(runtime: Runtime, eure: CooperativeContext) -> None:
    elsewhere = SiteFacts(address="1, rue X", postcode="76000", premises_use=PremisesUse.DWELLING)
    for wrong, field in (
        (entry(phones=("12",)), "2.phone"),
        (entry(sites=(customers.ImportedSite(elsewhere),)), "2.postcode"),
        (entry(facts=CustomerFacts(CustomerKind.PERSON, ConsumerStatus.PUBLIC, "", "", "", "")), "2.name"),
    ):
        async with runtime.database.tenant(eure.tenant) as session:
            with pytest.raises(Invalid) as refused:
                await customers.import_customers(session, entries=[entry(), wrong], cipher=runtime.cipher, by="tests")
            assert field in refused.value.fields
            assert "Ligne 2" in refused.value.message
            assert await session.scalar(sa.select(sa.func.count()).select_from(Customer)) == 0


async def test_a_postcode_of_several_communes_asks_which(runtime: Runtime, eure: CooperativeContext) -> None:
    """R97: a postcode never tells the commune."""
    unsure = SiteFacts(address="1, rue X", postcode="27500", premises_use=PremisesUse.DWELLING)
    async with runtime.database.tenant(eure.tenant) as session:
        with pytest.raises(Invalid) as refused:
            await customers.import_customers(
                session, entries=[entry(sites=(customers.ImportedSite(unsure),))], cipher=runtime.cipher, by="tests"
            )
    assert "1.insee" in refused.value.fields


async def test_the_customer_stays_with_the_member_named(runtime: Runtime, eure: CooperativeContext) -> None:
    """R60."""
    async with runtime.database.tenant(eure.tenant) as session:
        member = await members.register_member(
            session,
            new=members.NewMember(
                name="Plomberie Canu",
                siret=fictional_siret(fictional_siren(12)),
                email="canu@artisan.example",
                phone="01 99 00 00 01",
                address="1, rue Pasteur",
                postcode="27500",
                city="Pont-Audemer",
                joined_on=date(2027, 1, 1),
            ),
        )
        await customers.import_customers(
            session, entries=[entry(referring_member_id=member.id)], cipher=runtime.cipher, by="tests"
        )
        (known,) = await customers.identify_caller(session, phone="+33261910001")
    assert known.referring_member_id == member.id
