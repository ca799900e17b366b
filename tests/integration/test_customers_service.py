"""Customers on a real database: the caller is known at once, secrets are sealed, consent has its proof."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from pydantic import SecretStr

from maillage_app.runtime import Runtime
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.crypto import FieldCipher
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid, Unavailable
from maillage_kit.pages import PageRequest
from maillage_tenants import audit, customers
from maillage_tenants.customers.models import Customer, CustomerPhone, Site
from maillage_tenants.members.models import Member

BY = "Hélène Marchand"
ANA = customers.CustomerFacts(
    kind=customers.CustomerKind.PERSON,
    consumer_status=customers.ConsumerStatus.CONSUMER,
    name="Ana  Lefèvre-Œillet",
    billing_address="4 quai Robert Leblanc",
    billing_postcode="27500",
    billing_city="Pont-Audemer",
    email="ana@client.example",
)
LANDLORD = customers.CustomerFacts(
    kind=customers.CustomerKind.ORGANISATION,
    consumer_status=customers.ConsumerStatus.PROFESSIONAL,
    name="Habitat de la Risle",
    contact_name="Service technique",
    siren="732 829 320",
    billing_address="1 place Victor-Hugo",
    billing_postcode="27500",
    billing_city="Pont-Audemer",
)
FLAT = customers.SiteFacts(
    address="4 quai Robert Leblanc",
    postcode="27500",
    insee="27467",
    premises_use=customers.PremisesUse.DWELLING,
    over_two_years=True,
)
CONSENT = customers.PhoneConsent(
    source="Appel du 1er mars", wording="J’accepte d’être appelée.", proof="Enregistrement 1234"
)


async def _member(session: TenantSession, name: str = "Plomberie Duval", siret: str = "73282932000074") -> UUID:
    member = Member(
        name=name,
        legal_form="SARL",
        siret=siret,
        email="duval@artisan.example",
        phone="+33232112233",
        address="1 rue du Port",
        postcode="27500",
        city="Pont-Audemer",
        joined_on=date(2026, 1, 1),
    )
    session.add(member)
    await session.flush()
    return member.id


async def _names(session: TenantSession, text: str) -> list[str]:
    page, _ = await customers.list_customers(session, page=PageRequest(), text=text)
    return [row.name for row in page.items]


async def test_a_customer_is_numbered_and_stays_with_the_member_who_brought_it(
    runtime: Runtime, eure: CooperativeContext
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        duval = await _member(session)
        ref = await customers.register_customer(session, facts=ANA, referring_member_id=duval, by=BY)
        assert ref.number == "C-2027-000001"
        card = await customers.customer_card(session, customer_id=ref.id)
        assert (card.name, card.referring_member_name) == ("Ana Lefèvre-Œillet", "Plomberie Duval")
        other = await _member(session, "Fuites Martin", "40483304800022")
        with pytest.raises(Invalid):
            await customers.change_referring_member(session, customer_id=ref.id, member_id=other, reason=" ", by=BY)
        with pytest.raises(Invalid):
            await customers.change_referring_member(session, customer_id=ref.id, member_id=uuid4(), reason="x", by=BY)
        await customers.change_referring_member(
            session, customer_id=ref.id, member_id=other, reason="Cession du fonds", by=BY
        )
        latest, *_ = await audit.entries_about(session, subject_type="customer", subject_id=ref.id)
        assert latest.detail == {"from": str(duval), "to": str(other), "reason": "Cession du fonds"}
        card = await customers.customer_card(session, customer_id=ref.id)
        assert card.referring_member_name == "Fuites Martin"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"billing_postcode": "2750"}, "billing_postcode"),
        ({"billing_address": ""}, "billing_address"),
        ({"billing_city": ""}, "billing_city"),
        ({"email": "ana"}, "email"),
        ({"siren": "123456789"}, "siren"),
        ({"consumer_status": customers.ConsumerStatus.PUBLIC}, "consumer_status"),
        ({"kind": customers.CustomerKind.ORGANISATION}, "consumer_status"),
    ],
)
async def test_what_cannot_be_right_is_refused_by_field_and_takes_no_number(
    runtime: Runtime, eure: CooperativeContext, change: dict[str, object], field: str
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        with pytest.raises(Invalid) as refused:
            await customers.register_customer(session, facts=replace(ANA, **change), by=BY)  # type: ignore[arg-type]
        assert list(refused.value.fields) == [field]
        ref = await customers.register_customer(session, facts=ANA, by=BY)
        assert ref.number == "C-2027-000001"


async def test_the_caller_is_known_by_number_one_row_per_site(runtime: Runtime, eure: CooperativeContext) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        ref = await customers.register_customer(session, facts=LANDLORD, by=BY)
        await customers.add_phone(session, customer_id=ref.id, phone="02 32 42 00 01", by=BY)
        assert [row.site_id for row in await customers.identify_caller(session, phone="+33232420001")] == [None]
        first = await customers.add_site(session, customer_id=ref.id, facts=FLAT, cipher=runtime.cipher, by=BY)
        second = await customers.add_site(
            session,
            customer_id=ref.id,
            facts=replace(FLAT, address="6 quai Robert Leblanc", occupant_phone="06 12 34 56 78"),
            cipher=runtime.cipher,
            by=BY,
        )
        rows = await customers.identify_caller(session, phone="+33232420001")
        assert [row.site_id for row in rows] == [first, second]
        assert {row.customer_name for row in rows} == {"Habitat de la Risle"}
        # The tenant of one flat rings: that flat only.
        (row,) = await customers.identify_caller(session, phone="+33612345678")
        assert (row.site_id, row.address, row.insee) == (second, "6 quai Robert Leblanc", "27467")
        assert row.premises_use is customers.PremisesUse.DWELLING
        assert row.over_two_years is True
        # The tenant moves out: the number no longer leads there.
        await customers.change_site(
            session, site_id=second, facts=replace(FLAT, address="6 quai Robert Leblanc"), by=BY
        )
        assert await customers.identify_caller(session, phone="+33612345678") == ()
        assert await customers.identify_caller(session, phone="+33600000000") == ()


async def test_identifying_the_caller_reads_indexes_only(runtime: Runtime, eure: CooperativeContext) -> None:
    statements: list[tuple[str, dict[str, object]]] = []

    def seen(_connection: object, _cursor: object, statement: str, values: dict[str, object], *_rest: object) -> None:
        statements.append((statement, values))

    async with runtime.database.tenant(eure.tenant) as session:
        for rank in range(300):
            customer_id = uuid4()
            session.add(
                Customer(
                    id=customer_id, number=f"X{rank}", kind="person", consumer_status="consumer", name=f"N{rank}",
                    billing_address="a", billing_postcode="27500", billing_city="c", sort_name="n",
                    search=sa.literal_column("''::tsvector"),
                )
            )  # fmt: skip
            await session.flush()
            session.add(
                Site(
                    id=uuid4(), customer_id=customer_id, label="", address="a", insee="27467", postcode="27500",
                    premises_use="dwelling",
                )
            )  # fmt: skip
            session.add(CustomerPhone(id=uuid4(), customer_id=customer_id, phone=f"+336{rank:08d}"))
        await session.flush()
        await session.execute(sa.text("set local enable_seqscan = off"))
        connection = await session.connection()
        sa.event.listen(connection.sync_connection, "before_cursor_execute", seen)
        (row,) = await customers.identify_caller(session, phone="+33600000042")
        sa.event.remove(connection.sync_connection, "before_cursor_execute", seen)
        assert row.customer_name == "N42"
        ((statement, values),) = statements
        plan = "\n".join((await connection.exec_driver_sql(f"explain {statement}", values)).scalars())
    assert "Seq Scan" not in plan, plan
    assert "ix_customer_phone_phone" in plan


async def test_customers_are_found_by_the_beginning_of_any_word(runtime: Runtime, eure: CooperativeContext) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        ana = await customers.register_customer(session, facts=ANA, by=BY)
        await customers.register_customer(session, facts=LANDLORD, by=BY)
        await customers.add_phone(session, customer_id=ana.id, phone="06 12 34 56 78", by=BY)
        await customers.add_site(
            session,
            customer_id=ana.id,
            facts=replace(FLAT, address="12 route de Saint-Germain", label="Maison de campagne"),
            cipher=runtime.cipher,
            by=BY,
        )
        both = ["Ana Lefèvre-Œillet", "Habitat de la Risle"]
        assert await _names(session, "") == both
        assert await _names(session, "pont aud") == both
        for text in (
            "LEFEVRE", "œil ana", "06 12 34", "+33612345678", "0612", "st germain", "campagne", ana.number, "000001",
        ):  # fmt: skip
            assert await _names(session, text) == ["Ana Lefèvre-Œillet"], text
        assert await _names(session, "risle tech") == ["Habitat de la Risle"]
        assert await _names(session, "germain risle") == []
        assert await _names(session, "!!") == []
        # a name heard or typed wrong: close ones are proposed, and said to be only close
        page, near = await customers.list_customers(session, page=PageRequest(), text="Lefebvre")
        assert ([row.name for row in page.items], near) == (["Ana Lefèvre-Œillet"], True)
        await customers.change_customer(session, customer_id=ana.id, facts=replace(ANA, name="Ana Ruiz"), by=BY)
        assert await _names(session, "lefev") == []
        assert await _names(session, "ruiz") == ["Ana Ruiz"]


async def test_the_list_goes_through_everybody_once_in_the_order_of_names(
    runtime: Runtime, eure: CooperativeContext
) -> None:
    names = ["Zoé", "Élan", "Abel", "élan", "Bérénice", "Éric", "Dupont"]
    async with runtime.database.tenant(eure.tenant) as session:
        for name in names:
            await customers.register_customer(session, facts=replace(ANA, name=name), by=BY)
        seen: list[str] = []
        after: str | None = None
        while True:
            page, _ = await customers.list_customers(session, page=PageRequest(after=after, limit=2))
            seen += [row.name for row in page.items]
            after = page.next_cursor
            if after is None:
                break
        assert seen == ["Abel", "Bérénice", "Dupont", "Élan", "élan", "Éric", "Zoé"]


@pytest.mark.parametrize("count", [1, 12])
async def test_pages_cost_the_same_number_of_queries_whatever_they_show(
    runtime: Runtime, eure: CooperativeContext, count: int
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        ref = await customers.register_customer(session, facts=LANDLORD, by=BY)
        for rank in range(count):
            await customers.add_site(
                session, customer_id=ref.id, facts=replace(FLAT, address=f"{rank} rue X"), cipher=runtime.cipher, by=BY
            )
            await customers.add_phone(session, customer_id=ref.id, phone=f"06120000{rank:02d}", by=BY)
            await customers.register_customer(session, facts=ANA, by=BY)
        session.expire_all()
        connection = await session.connection()
        statements: list[str] = []

        def seen(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            statements.append(statement)

        sa.event.listen(connection.sync_connection, "before_cursor_execute", seen)
        card = await customers.customer_card(session, customer_id=ref.id)
        assert (len(card.sites), len(card.phones), len(statements)) == (count, count, 3)
        statements.clear()
        await customers.list_customers(session, page=PageRequest(), text="pont")
        assert len(statements) == 1
        sa.event.remove(connection.sync_connection, "before_cursor_execute", seen)


async def test_a_postcode_never_tells_the_commune_when_it_serves_several(
    runtime: Runtime, eure: CooperativeContext
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        ref = await customers.register_customer(session, facts=ANA, by=BY)

        async def add(**change: str) -> UUID:
            return await customers.add_site(
                session,
                customer_id=ref.id,
                facts=replace(FLAT, **change),  # type: ignore[arg-type]
                cipher=runtime.cipher,
                by=BY,
            )

        with pytest.raises(customers.CommuneToChoose):
            await add(insee="")
        with pytest.raises(Invalid) as refused:
            await add(insee="27229")
        assert list(refused.value.fields) == ["insee"]
        with pytest.raises(Invalid) as refused:
            await add(postcode="76000", insee="")
        assert list(refused.value.fields) == ["postcode"]
        with pytest.raises(Invalid) as refused:
            await add(address="", occupant_phone="12")
        assert set(refused.value.fields) == {"address", "occupant_phone"}
        card = await customers.site_card(session, site_id=await add())
        assert (card.commune, card.one_line) == ("Pont-Audemer", "4 quai Robert Leblanc, 27500 Pont-Audemer")
        with pytest.raises(customers.UnknownSite):
            await customers.site_card(session, site_id=uuid4())
        with pytest.raises(customers.UnknownCustomer):
            await customers.customer_card(session, customer_id=uuid4())


async def test_access_notes_are_sealed_and_each_reading_is_written_down(
    runtime: Runtime, eure: CooperativeContext
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        ref = await customers.register_customer(session, facts=ANA, by=BY)
        site_id = await customers.add_site(
            session,
            customer_id=ref.id,
            facts=FLAT,
            cipher=runtime.cipher,
            access_notes="Code 12B34, clé chez Roy",
            by=BY,
        )
        stored = await session.scalar(sa.select(Site.access_notes).where(Site.id == site_id))
        assert stored is not None
        assert b"12B34" not in stored
        assert (await customers.site_card(session, site_id=site_id)).has_access_notes
        assert (
            await customers.read_access_notes(session, site_id=site_id, cipher=runtime.cipher, by="Paul", why="appel")
            == "Code 12B34, clé chez Roy"
        )
        latest, *_ = await audit.entries_about(session, subject_type="site", subject_id=site_id)
        assert (latest.actor, latest.action, latest.detail) == (
            "Paul", "customers.read_access_notes", {"why": "appel"},
        )  # fmt: skip
        stranger = FieldCipher((SecretStr(Fernet.generate_key().decode()),))
        with pytest.raises(Unavailable):
            await customers.read_access_notes(session, site_id=site_id, cipher=stranger, by="Paul", why="appel")
        await customers.write_access_notes(session, site_id=site_id, notes=" ", cipher=runtime.cipher, by=BY)
        assert not (await customers.site_card(session, site_id=site_id)).has_access_notes
        assert (
            await customers.read_access_notes(session, site_id=site_id, cipher=runtime.cipher, by="Paul", why="appel")
            == ""
        )
        entries = await audit.entries_about(session, subject_type="site", subject_id=site_id)
        assert "12B34" not in str(entries)
        with pytest.raises(Invalid):
            await customers.write_access_notes(session, site_id=site_id, notes="x" * 1001, cipher=runtime.cipher, by=BY)


async def test_consent_to_sales_calls_has_its_proof_and_can_be_taken_back(
    runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        ref = await customers.register_customer(session, facts=ANA, by=BY)
        phone_id = await customers.add_phone(session, customer_id=ref.id, phone="06 12 34 56 78", by=BY)

        async def phone() -> customers.PhoneRow:
            return (await customers.customer_card(session, customer_id=ref.id)).phones[0]

        assert not (await phone()).sales_calls_allowed  # L.14: no opt-in recorded, no commercial call
        with pytest.raises(Invalid) as refused:
            await customers.record_phone_consent(
                session, phone_id=phone_id, consent=customers.PhoneConsent(" ", "", ""), by=BY
            )
        assert set(refused.value.fields) == {"source", "wording", "proof"}
        await customers.record_phone_consent(session, phone_id=phone_id, consent=CONSENT, by=BY)
        row = await phone()
        assert row.sales_calls_allowed
        assert (row.opt_in_at, row.opt_in_proof) == (moved_clock.now(), "Enregistrement 1234")
        moved_clock.advance(days=1)
        await customers.revoke_phone_consent(session, phone_id=phone_id, by=BY)
        revoked_at = (await phone()).opt_in_revoked_at
        moved_clock.advance(days=1)
        await customers.revoke_phone_consent(session, phone_id=phone_id, by=BY)
        row = await phone()
        assert not row.sales_calls_allowed
        assert row.opt_in_revoked_at == revoked_at
        await customers.record_phone_consent(session, phone_id=phone_id, consent=CONSENT, by=BY)
        assert (await phone()).sales_calls_allowed
        actions = [e.action for e in await audit.entries_about(session, subject_type="customer", subject_id=ref.id)]
        assert actions == [
            "customers.record_phone_consent",
            "customers.revoke_phone_consent",
            "customers.record_phone_consent",
            "customers.register",
        ]
        await customers.remove_phone(session, phone_id=phone_id, by=BY)
        assert (await customers.customer_card(session, customer_id=ref.id)).phones == ()
        assert await _names(session, "0612345678") == []


async def test_a_number_is_checked_and_kept_once_per_customer(runtime: Runtime, eure: CooperativeContext) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        ref = await customers.register_customer(session, facts=ANA, by=BY)
        other = await customers.register_customer(session, facts=LANDLORD, by=BY)
        site_id = await customers.add_site(session, customer_id=other.id, facts=FLAT, cipher=runtime.cipher, by=BY)
        await customers.add_phone(session, customer_id=ref.id, phone="06 12 34 56 78", by=BY)
        await customers.add_phone(session, customer_id=other.id, phone="06 12 34 56 78", by=BY)
        refusals: list[tuple[type[Exception], Callable[[], Awaitable[object]]]] = [
            (
                customers.PhoneAlreadyThere,
                lambda: customers.add_phone(session, customer_id=ref.id, phone="+33612345678", by=BY),
            ),
            (Invalid, lambda: customers.add_phone(session, customer_id=ref.id, phone="06 12", by=BY)),
            (
                customers.UnknownSite,
                lambda: customers.add_phone(session, customer_id=ref.id, phone="0232110000", site_id=site_id, by=BY),
            ),
            (
                customers.UnknownCustomer,
                lambda: customers.add_phone(session, customer_id=uuid4(), phone="0232110000", by=BY),
            ),
            (customers.UnknownPhone, lambda: customers.remove_phone(session, phone_id=uuid4(), by=BY)),
        ]
        for error, act in refusals:
            with pytest.raises(error):
                await act()
        rows = await customers.identify_caller(session, phone="+33612345678")
        assert {row.customer_id for row in rows} == {ref.id, other.id}
