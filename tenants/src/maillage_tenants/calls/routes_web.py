"""The office's pages on calls: the log, one call explained, callbacks to close."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.response import Redirect, Template

from maillage_hooks import TradeRegistry
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Conflict, Invalid, Unavailable
from maillage_kit.permissions import Permission
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, base_path, page, page_request, requires, see_other, text, url_with
from maillage_tenants import recordings
from maillage_tenants.calls import journal, labels
from maillage_tenants.calls.journal import Show
from maillage_tenants.calls.service import callbacks, cutting

_TABS = (
    (Show.ALL, "Tous", "phone"),
    (Show.TODAY, "Aujourd’hui", "clock"),
    (Show.MISSED, "Manqués et abandonnés", "phone-missed"),
    (Show.CALLBACKS, "À rappeler", "alarm"),
)


@get("/calls", guards=[requires(Permission.CALLS_READ)])
async def call_log(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, trades: TradeRegistry
) -> Template:
    """The calls, newest first; `show` filters. Asked by the page itself, the list alone."""
    asked = request.query_params.get("show", Show.ALL)
    show = Show(asked) if asked in set(Show) else Show.ALL
    part = "HX-Request" in request.headers and request.headers.get("HX-Target") == "calls"
    return page(
        request,
        "calls/_list.html" if part else "calls/list.html",
        shown=await journal.call_log(session, page=page_request(request), show=show),
        show=show.value,
        tabs=[
            {
                "href": f"{base_path(cooperative)}/calls?show={code.value}",
                "label": label,
                "icon": icon,
                "current": code is show,
                "badge": owed if code is Show.CALLBACKS else None,
            }
            for owed in [await journal.callbacks_owed(session)]
            for code, label, icon in _TABS
        ],
        trades=trades,
        first_page=f"{base_path(cooperative)}/calls?show={show.value}",
        refresh_url=url_with(request),
    )


@get("/calls/{call_id:uuid}", guards=[requires(Permission.CALLS_READ)])
async def one_call(request: AnyRequest, session: TenantSession, trades: TradeRegistry, call_id: UUID) -> Template:
    """One call: who rang, why it went where it went, what happened at each step."""
    return await _story(request, session, trades, call_id)


@get("/calls/{call_id:uuid}/recordings/{recording_id:uuid}", guards=[requires(Permission.CALLS_LISTEN)])
async def listen(session: TenantSession, actor: Actor, call_id: UUID, recording_id: UUID) -> Response[bytes]:
    """A message or a conversation, to be heard; each listening is audited (R70)."""
    content, media_type = await recordings.sound_of(
        session, call_id=call_id, recording_id=recording_id, by=actor.display_name
    )
    return Response(content, media_type=media_type, headers={"Cache-Control": "private, no-store"})


@post("/calls/{call_id:uuid}/hold", guards=[requires(Permission.CALLS_WRITE)])
async def hold_recordings(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    call_id: UUID,
) -> Redirect | Template:
    """Keep the recordings of this call for as long as a dispute lasts."""
    await journal.call_exists(session, call_id=call_id)
    form = await request.form()
    try:
        await recordings.hold(session, call_id=call_id, reason=text(form, "reason"), by=actor.display_name)
    except Invalid as refused:
        return await _story(request, session, trades, call_id, form=dict(form), errors=refused.fields, status=422)
    return see_other(f"{base_path(cooperative)}/calls/{call_id}", flash="Les enregistrements de cet appel sont gardés.")


@post("/calls/{call_id:uuid}/release", guards=[requires(Permission.CALLS_WRITE)], status_code=303)
async def release_recordings(
    session: TenantSession, cooperative: CooperativeContext, actor: Actor, call_id: UUID
) -> Redirect:
    """The dispute is over: the usual time counts again."""
    await journal.call_exists(session, call_id=call_id)
    await recordings.release(session, call_id=call_id, by=actor.display_name)
    return see_other(f"{base_path(cooperative)}/calls/{call_id}", flash="La durée habituelle s’applique à nouveau.")


@post("/calls/{call_id:uuid}/hang-up", guards=[requires(Permission.CALLS_WRITE)], status_code=303)
async def hang_up(
    session: TenantSession, cooperative: CooperativeContext, actor: Actor, settings: Settings, call_id: UUID
) -> Redirect:
    """End a running call for both people."""
    page_of_call = f"{base_path(cooperative)}/calls/{call_id}"
    try:
        await cutting.hang_up(session, call_id=call_id, settings=settings, by=actor.display_name)
    except (Conflict, Unavailable) as refused:
        return see_other(page_of_call, flash=refused.message, tone="danger")
    return see_other(page_of_call, flash="Appel raccroché.")


@post("/calls/{call_id:uuid}/callback", guards=[requires(Permission.CALLS_WRITE)], status_code=303)
async def close_callback(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    call_id: UUID,
) -> Redirect | Template:
    """Say what calling back gave; without an outcome the form comes back."""
    form = await request.form()
    try:
        await callbacks.close_callback(
            session,
            call_id=call_id,
            outcome=text(form, "outcome"),
            note=text(form, "note"),
            by=actor.display_name,
        )
    except Invalid as refused:
        return await _story(request, session, trades, call_id, form=dict(form), errors=refused.fields, status=422)
    return see_other(f"{base_path(cooperative)}/calls?show={Show.CALLBACKS.value}", flash="Rappel clos.")


async def _story(
    request: AnyRequest,
    session: TenantSession,
    trades: TradeRegistry,
    call_id: UUID,
    *,
    form: dict[str, Any] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Template:
    story = await journal.call_story(session, call_id=call_id)
    part = "HX-Request" in request.headers and request.headers.get("HX-Target") == "call"
    return page(
        request,
        "calls/_one.html" if part else "calls/one.html",
        status_code=status,
        story=story,
        call=story.line,
        kept=await recordings.kept_of(session, call_id=call_id),
        hold=await recordings.held(session, call_id=call_id),
        purged_after=recordings.PURGED_AFTER,
        trades=trades,
        form=form or {},
        errors=errors or {},
        outcomes=[(code.value, label[0].upper() + label[1:]) for code, label in labels.CALLBACK_OUTCOMES.items()],
        callback_words=labels.CALLBACK_OUTCOMES,
    )


ROUTES = (call_log, one_call, listen, hold_recordings, release_recordings, close_callback, hang_up)
