"""Addresses of partners that receive, and a worker that tells them."""

from dataclasses import dataclass
from uuid import UUID

import pytest
import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_app.telling import relay_webhooks
from maillage_app.witnessing import witness_of
from maillage_kit import clock, outside
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.guarded_http import GuardedHttp
from maillage_kit.ids import new_id
from maillage_kit.witness import Witness
from maillage_platform import webhooks
from maillage_platform.webhooks.endpoint_form import EndpointForm
from maillage_platform.webhooks.models import WebhookDelivery, WebhookEndpoint
from maillage_platform.webhooks.service import endpoints
from maillage_tenants.interventions.events import InterventionOpened, InterventionStateChanged

ALL = tuple(each.name for each in webhooks.CATALOGUE)


@dataclass
class Telling:
    """One installation as its worker sees it."""

    runtime: Runtime
    http: GuardedHttp
    witness: Witness

    async def add(
        self,
        cooperative: CooperativeContext,
        url: str,
        *,
        types: tuple[str, ...] = ALL,
        client_id: str | None = None,
    ) -> tuple[UUID, str]:
        """An address of the cooperative: (its id, its secret)."""
        async with self.runtime.database.platform() as session:
            endpoint, secret = await endpoints.add_endpoint(
                session,
                witness=self.witness,
                cipher=self.runtime.cipher,
                http=GuardedHttp(open_to_private=True),
                cooperative=cooperative,
                form=EndpointForm(name="Habitat 27", url=url, types=types),
                by="tests",
                client_id=client_id,
            )
            return endpoint.id, secret

    async def opened(
        self, cooperative: CooperativeContext, *, customer_id: UUID | None = None, case_id: UUID | None = None
    ) -> UUID:
        event = InterventionOpened(case_id or new_id(), customer_id, "I-2027-000001", "phone", "plumbing")
        await self.publish(cooperative, event)
        return event.intervention_id

    async def moved(self, cooperative: CooperativeContext, case_id: UUID, state: str) -> None:
        await self.publish(
            cooperative, InterventionStateChanged(case_id, None, "I-2027-000001", before="requested", state=state)
        )

    async def publish(self, cooperative: CooperativeContext, event: object) -> None:
        async with self.runtime.database.tenant(cooperative.tenant) as session:
            await outside.publish(session, event, occurred_at=clock.now())

    async def round(self) -> int:
        """What the worker does every two seconds."""
        await relay_webhooks(self.runtime)
        return await webhooks.send_due(self.runtime.database, cipher=self.runtime.cipher, http=self.http)

    async def deliveries(self) -> list[WebhookDelivery]:
        async with self.runtime.database.platform() as session:
            return list(await session.scalars(sa.select(WebhookDelivery).order_by(WebhookDelivery.position)))

    async def endpoint(self, endpoint_id: UUID) -> WebhookEndpoint:
        async with self.runtime.database.platform() as session:
            return await session.get_one(WebhookEndpoint, endpoint_id)


@pytest.fixture
def telling(runtime: Runtime, moved_clock: MovableClock) -> Telling:
    return Telling(runtime, GuardedHttp(open_to_private=True, timeout=5.0), witness_of(runtime))
