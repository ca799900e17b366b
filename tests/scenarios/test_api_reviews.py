"""Reviews by the API: a partner reads those of its customers, page by page."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_kit import clock
from maillage_kit.api_access import Scope
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_tenants import interventions, partners, reviews
from maillage_tenants.customers import ConsumerStatus, CustomerFacts, CustomerKind, register_customer
from maillage_tenants.interventions import NewCase, Source
from maillage_tenants.reviews.errors import AlreadyAnswered, NotFinished, ReviewNotFound


async def customer(runtime: Runtime, cooperative: CooperativeContext, name: str) -> UUID:
    async with runtime.database.tenant(cooperative.tenant) as session:
        facts = CustomerFacts(
            kind=CustomerKind.PERSON, consumer_status=ConsumerStatus.CONSUMER, name=name,
            billing_address="1 rue des Carmes", billing_postcode="27500", billing_city="Pont-Audemer",
        )  # fmt: skip
        return (await register_customer(session, facts=facts, by="tests")).id


async def closed_case(runtime: Runtime, cooperative: CooperativeContext, customer_id: UUID) -> UUID:
    async with runtime.database.tenant(cooperative.tenant) as session:
        facts = NewCase(source=Source.WEB, requested_at=clock.now(), by="tests", customer_id=customer_id)
        case = await interventions.open_case(session, facts=facts)
        with pytest.raises(NotFinished):
            await reviews.give_review(session, case_id=case.id, rating=5, comment="", at=clock.now(), by="tests")
        with pytest.raises(ReviewNotFound):
            await reviews.answer_review(session, case_id=case.id, answer="Merci.", at=clock.now(), by="tests")
        closed = sa.text("update intervention set state = 'closed', closed_at = :at where id = :id")
        await session.execute(closed, {"at": clock.now(), "id": case.id})
        return case.id


async def test_a_partner_reads_the_reviews_of_its_customers(
    runtime: Runtime, eure: CooperativeContext, software: Any, moved_clock: MovableClock
) -> None:
    mine, theirs = [await customer(runtime, eure, name) for name in ("Habitat de l’Eure", "Autre bailleur")]
    async with runtime.database.tenant(eure.tenant) as session:
        await partners.grant(session, client_id="habitat", name="Habitat", customers=[mine], by="tests")
    given: list[str] = []
    for rating, whose in ((5, mine), (2, mine), (4, mine), (1, theirs)):
        case_id = await closed_case(runtime, eure, whose)
        moved_clock.advance(hours=30)
        async with runtime.database.tenant(eure.tenant) as session:
            found = await reviews.give_review(
                session, case_id=case_id, rating=rating, comment=f"Note {rating}", at=clock.now(), by="tests"
            )
            given.append(str(found))
            if rating == 2:
                await reviews.answer_review(session, case_id=case_id, answer="Pardon.", at=clock.now(), by="tests")
                with pytest.raises(AlreadyAnswered):
                    await reviews.answer_review(session, case_id=case_id, answer="Non.", at=clock.now(), by="tests")

    caller = software(eure, Scope.REVIEWS_READ, client="habitat")
    first = (await caller.get("/reviews?limit=2")).json()
    rest = (await caller.get(f"/reviews?limit=2&cursor={first['next']}")).json()
    assert [row["id"] for row in first["items"] + rest["items"]] == [given[2], given[1], given[0]]
    assert rest["next"] is None
    assert [row["rating"] for row in (await caller.get("/reviews?rating=2")).json()["items"]] == [2]
    since = "2027-03-04T00:00:00Z"
    assert [row["rating"] for row in (await caller.get(f"/reviews?since={since}")).json()["items"]] == [4]
    assert len((await caller.get(f"/reviews?until={since}")).json()["items"]) == 2
    for wrong in ("rating=6", "rating=0", "since=hier", "case_id=1"):
        assert (await caller.get(f"/reviews?{wrong}")).status_code == 422, wrong

    (answered,) = [row for row in first["items"] if row["rating"] == 2]
    assert (answered["comment"], answered["answer"], answered["customer_id"]) == ("Note 2", "Pardon.", str(mine))
    assert date.fromisoformat(answered["experienced_on"]) < date.fromisoformat(answered["given_at"][:10])
    assert (await caller.get(f"/reviews/{given[1]}")).json() == answered
    unanswered = (await caller.get(f"/reviews?case_id={first['items'][0]['intervention_id']}")).json()["items"]
    assert [(row["answer"], row["answered_at"]) for row in unanswered] == [(None, None)]
    assert (await caller.get(f"/reviews/{given[3]}")).status_code == 404, "another landlord’s"
    assert (await software(eure, Scope.INTERVENTIONS_READ, client="habitat").get("/reviews")).status_code == 403
