"""Messages, wired: which carriers this installation has, who hears what they tell, the links that are kept open."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog

from maillage_app.runtime import Runtime
from maillage_kit.settings import Settings
from maillage_tenants.calls.carriers.speaking import caller_from
from maillage_tenants.interventions import OfferReplies
from maillage_tenants.messages import Carriers, Inbox, Runs, carriers_from

log = structlog.get_logger(__name__)
_PAUSE_SECONDS = 5


def carriers_of(settings: Settings) -> Carriers:
    """Everything the settings turn on. Raises ValueError for an address or a key that is none."""
    return carriers_from(settings, caller=caller_from(settings))


def inbox_of(runtime: Runtime) -> Inbox:
    """Where receipts and replies arrive, whatever brings them."""
    return Inbox(
        database=runtime.database, directory=runtime.directory, settings=runtime.settings, answers=OfferReplies()
    )


async def _always(link: Runs, inbox: Inbox) -> None:
    """A link that breaks in an unforeseen way says so and is made again."""
    while True:
        try:
            await link.run(on_receipt=inbox.receipt, on_reply=inbox.reply)
        except Exception:
            log.exception("carrier_link_broke", link=type(link).__name__)
        await asyncio.sleep(_PAUSE_SECONDS)


@contextlib.asynccontextmanager
async def kept_links(runtime: Runtime, carriers: Carriers) -> AsyncIterator[None]:
    """While inside, the carriers that need an open link keep it: one worker process, one link each."""
    inbox = inbox_of(runtime)
    links = [asyncio.create_task(_always(link, inbox)) for link in carriers.kept]
    try:
        yield
    finally:
        for link in links:
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)
