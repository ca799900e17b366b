"""Live pages: one stream of « something changed » per open page; the page fetches its fragment again."""

import asyncio
from collections.abc import AsyncIterator

from litestar import get
from litestar.response import ServerSentEvent, ServerSentEventMessage

from maillage_app.runtime import Runtime
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.live import LiveBus, Notice
from maillage_kit.permissions import Permission
from maillage_kit.web import requires

HEARTBEAT_SECONDS = 15.0
COALESCE_SECONDS = 0.15


@get("/events", guards=[requires(Permission.LIVE_FOLLOW)])
async def events(runtime: Runtime, cooperative: CooperativeContext, actor: Actor) -> ServerSentEvent:
    """Event name = topic. No transaction is held open: the stream reads the bus of this process only."""
    return ServerSentEvent(
        stream(runtime.live, cooperative.tenant.role, everything=not actor.may(Permission.FIELD_WORK)),
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


async def stream(
    bus: LiveBus,
    role: str,
    *,
    everything: bool,
    heartbeat: float = HEARTBEAT_SECONDS,
    coalesce: float = COALESCE_SECONDS,
) -> AsyncIterator[ServerSentEventMessage]:
    """Notices of one cooperative as events: each topic once per burst, a heartbeat when nothing happens.

    Without `everything`, only what is about cases (an artisan's phone). After the bus lost its connection the stream
    ends: the browser reconnects and fetches everything again.
    """
    async with bus.subscribe(role) as queue:
        yield ServerSentEventMessage(comment="ouvert", retry=2000)
        while True:
            try:
                first = await asyncio.wait_for(queue.get(), heartbeat)
            except TimeoutError:
                yield ServerSentEventMessage(comment="toujours là")
                continue
            await asyncio.sleep(coalesce)
            burst: dict[str, Notice] = {first.topic: first}
            while not queue.empty():
                notice = queue.get_nowait()
                burst[notice.topic] = notice
            if "resync" in burst:
                return
            for topic, notice in burst.items():
                if everything or topic == "cases" or topic.startswith("case:"):
                    yield ServerSentEventMessage(event=topic, data=notice.subject or "1")
