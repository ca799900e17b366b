"""Who asks and where, for a caller who is not on file."""

from uuid import UUID

import pytest

from maillage_app.runtime import Runtime
from maillage_kit import clock
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_tenants import customers, interventions, territory
from maillage_tenants.customers import ConsumerStatus, CustomerFacts, CustomerKind, PremisesUse, SiteFacts
from maillage_tenants.interventions import CallerFacts, NewCase, Source, StepNotAllowed, write_caller

FACTS = CallerFacts(name=" Ana  Leroy ", address=" 4, rue du Moulin ", commune="pont audemer", phone="02 61 91 00 01")


async def opened(session: TenantSession, **facts: object) -> UUID:
    new = NewCase(source=Source.PHONE, requested_at=clock.now(), by="tests", trade="plumbing", **facts)  # type: ignore[arg-type]
    return (await interventions.open_case(session, facts=new)).id


async def test_name_address_and_commune_are_kept_and_the_commune_decides_the_sector(
    runtime: Runtime, eure: CooperativeContext
) -> None:
    """R97."""
    async with runtime.database.tenant(eure.tenant) as session:
        case_id = await opened(session)
        await write_caller(session, case_id=case_id, facts=FACTS, at=clock.now(), by="Karim Benali")
        row = await interventions.case(session, case_id=case_id)
        sector = await territory.sector_of(session, insee="27467", trade="plumbing", at=clock.now())
        told = await interventions.story(session, case_id=case_id)
    assert (row.caller_name, row.address, row.insee) == ("Ana Leroy", "4, rue du Moulin", "27467")
    assert row.caller_phone == "+33261910001"
    assert sector is not None
    assert row.sector_id == sector.id
    assert [line.actor for line in told if line.kind == "caller"] == ["Karim Benali"]


async def test_a_masked_number_stays_unknown_when_the_caller_gives_none(
    runtime: Runtime, eure: CooperativeContext
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        case_id = await opened(session)
        facts = CallerFacts("Ana Leroy", "4, rue du Moulin", "Bernay")
        await write_caller(session, case_id=case_id, facts=facts, at=clock.now(), by="tests")
        assert (await interventions.case(session, case_id=case_id)).caller_phone is None


@pytest.mark.parametrize(
    ("facts", "fields"),
    [
        (CallerFacts("", " ", ""), {"name", "address", "commune"}),
        (CallerFacts("Ana", "4, rue du Moulin", "Rouen"), {"commune"}),
        (CallerFacts("Ana", "4, rue du Moulin", "Saint"), {"commune"}),
        (CallerFacts("Ana", "4, rue du Moulin", "Bernay", phone="12"), {"phone"}),
    ],
)
async def test_what_is_missing_elsewhere_or_unclear_is_refused_by_field(
    runtime: Runtime, eure: CooperativeContext, facts: CallerFacts, fields: set[str]
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        case_id = await opened(session)
        with pytest.raises(Invalid) as refused:
            await write_caller(session, case_id=case_id, facts=facts, at=clock.now(), by="tests")
        assert set(refused.value.fields) == fields
        assert (await interventions.case(session, case_id=case_id)).caller_name == ""


async def test_a_customer_on_file_is_corrected_on_file(runtime: Runtime, eure: CooperativeContext) -> None:
    place = "4, rue du Moulin", "27500", "Pont-Audemer"
    async with runtime.database.tenant(eure.tenant) as session:
        (ref,) = await customers.import_customers(
            session,
            entries=[
                customers.ImportedCustomer(
                    CustomerFacts(CustomerKind.PERSON, ConsumerStatus.CONSUMER, "Ana Leroy", *place),
                    (customers.ImportedSite(SiteFacts(*place[:2], PremisesUse.DWELLING, insee="27467")),),
                    (),
                )
            ],
            cipher=runtime.cipher,
            by="tests",
        )
        case_id = await opened(session, customer_id=ref.id, site_id=ref.site_ids[0])
        with pytest.raises(StepNotAllowed):
            await write_caller(session, case_id=case_id, facts=FACTS, at=clock.now(), by="tests")


async def test_nothing_is_rewritten_once_the_case_is_over(runtime: Runtime, eure: CooperativeContext) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        case_id = await opened(session)
        await interventions.cancel_case(session, case_id=case_id, reason="Erreur", at=clock.now(), by="tests")
        with pytest.raises(StepNotAllowed):
            await write_caller(session, case_id=case_id, facts=FACTS, at=clock.now(), by="tests")
