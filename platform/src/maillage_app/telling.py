"""What partners' addresses are told: the webhooks of the control plane, given what only a cooperative knows."""

from uuid import UUID

from maillage_app.runtime import Runtime
from maillage_kit.guarded_http import GuardedHttp
from maillage_kit.rest import Reach
from maillage_platform import outbox, webhooks
from maillage_tenants import partners


def guarded_http(runtime: Runtime) -> GuardedHttp:
    """Calls to addresses that cooperatives wrote: ten seconds to answer."""
    return GuardedHttp.of(runtime.settings, timeout=10.0)


async def relay_webhooks(runtime: Runtime) -> int:
    """Keep a delivery of each new event for each address that asked for it. Returns how many events were read."""

    async def reach_of(cooperative_id: UUID, client_id: str) -> Reach:
        for cooperative in await runtime.directory.all():
            if cooperative.id == cooperative_id:
                async with runtime.database.tenant(cooperative.tenant) as session:
                    return await partners.reach_of(session, client_id=client_id)
        return Reach(client_id, everything=False, customers=frozenset())

    recorder = webhooks.Recorder(reach_of)
    return await outbox.consume(runtime.database, consumer=webhooks.CONSUMER, handle=recorder.record)


async def tell_webhooks(runtime: Runtime, http: GuardedHttp) -> int:
    """New events, then what is due. Returns how many deliveries were tried."""
    await relay_webhooks(runtime)
    return await webhooks.send_due(runtime.database, cipher=runtime.cipher, http=http)
