"""Pages that exist only outside production: the mailbox that shows what would have been sent."""

import sqlalchemy as sa
from litestar import get
from litestar.response import Template

from maillage_app.runtime import Runtime
from maillage_kit.context import CooperativeContext
from maillage_kit.db import PlatformSession
from maillage_kit.web import AnyRequest, page
from maillage_platform.identity.models import Letter
from maillage_tenants.messages.models import Message

_SHOWN = 50


@get("/dev/mailbox")
async def mailbox(request: AnyRequest, platform_session: PlatformSession, runtime: Runtime) -> Template:
    """The last letters of the platform and messages of every cooperative. Never registered in production."""
    letters = (await platform_session.scalars(sa.select(Letter).order_by(Letter.created_at.desc()).limit(_SHOWN))).all()
    messages: list[tuple[CooperativeContext, Message]] = []
    for cooperative in await runtime.directory.all():
        async with runtime.database.tenant(cooperative.tenant) as session:
            rows = await session.scalars(sa.select(Message).order_by(Message.created_at.desc()).limit(_SHOWN))
            messages.extend((cooperative, row) for row in rows.all())
    messages.sort(key=lambda pair: pair[1].created_at, reverse=True)
    return page(request, "dev/mailbox.html", letters=letters, messages=messages[:_SHOWN])
