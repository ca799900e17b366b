"""« Être prévenu »: the artisan's own page for how he is told, and the notifications of this phone."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.response import Redirect, Template

from maillage_kit import clock
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid, NotFound
from maillage_kit.permissions import Permission
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, base_path, own_technician, page, requires, see_other, text
from maillage_tenants import members, messages

_ORDERS = (
    ("push,sms,email", "Notification, sinon SMS"),
    ("sms,push,email", "SMS, sinon notification"),
    ("email,push,sms", "Courriel, sinon notification"),
)
_WAITS = ((0, "Tout de suite"), (20, "Après 20 s sans notification affichée"), (60, "Après 1 min"))


class Keys(msgspec.Struct, frozen=True):
    """What the browser made for itself, in base64url."""

    p256dh: str
    auth: str


class Subscription(msgspec.Struct, frozen=True):
    """A browser's subscription, as `PushSubscription.toJSON()` writes it."""

    endpoint: str
    keys: Keys


@get("/field/notifications", guards=[requires(Permission.FIELD_WORK)])
async def preferences(request: AnyRequest, session: TenantSession, actor: Actor, settings: Settings) -> Template:
    """How he is told: the order, the wait, the phones that show notifications."""
    return await _page(request, session, own_technician(actor), settings)


async def _page(
    request: AnyRequest,
    session: TenantSession,
    technician_id: UUID,
    settings: Settings,
    *,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Template:
    technician = await members.get_technician(session, technician_id=technician_id)
    wishes = await messages.wishes(session, technician_id=technician_id)
    key = messages.vapid_key(settings)
    order = ",".join(channel.value for channel in wishes.channels)
    return page(
        request,
        "field/notifications.html",
        status_code=status,
        technician=technician,
        devices=await messages.live_subscriptions(session, technician_id=technician_id),
        vapid_key=key.public if key else "",
        orders=_ORDERS,
        order=order if order in dict(_ORDERS) else _ORDERS[0][0],
        waits=_WAITS,
        wait=int(wishes.sms_after.total_seconds()),
        voice_call=wishes.voice_call,
        errors=errors or {},
    )


@post("/field/notifications", status_code=303, guards=[requires(Permission.FIELD_WORK)])
async def save_preferences(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, settings: Settings
) -> Redirect | Template:
    """Change the order and the wait. An emergency still goes by every way."""
    form = await request.form()
    wait = text(form, "sms_after")
    try:
        await messages.set_wishes(
            session,
            technician_id=own_technician(actor),
            channels=text(form, "order").split(","),
            sms_after_seconds=int(wait) if wait.isdecimal() and len(wait) < 4 else -1,
            voice_call=text(form, "voice_call") == "1",
        )
    except Invalid as refused:
        return await _page(request, session, own_technician(actor), settings, errors=refused.fields, status=422)
    return see_other(_here(cooperative), flash="C’est noté.")


@post("/field/notifications/devices", status_code=204, guards=[requires(Permission.FIELD_WORK)])
async def add_device(request: AnyRequest, session: TenantSession, actor: Actor, settings: Settings) -> None:
    """This browser shows notifications from now on: sent by the page's own script."""
    if messages.vapid_key(settings) is None:
        raise NotFound
    try:
        data = msgspec.json.decode(await request.body(), type=Subscription)
    except msgspec.MsgspecError as exc:
        raise Invalid("Cet abonnement est inutilisable.", fields={"keys": "Abonnement illisible."}) from exc
    if len(data.endpoint) > 1000 or not messages.known_service(data.endpoint, settings.push.hosts):
        raise Invalid("Ce navigateur n’est pas pris en charge.", fields={"endpoint": "Service inconnu."})
    if not messages.can_seal(key=data.keys.p256dh, secret=data.keys.auth):
        raise Invalid("Cet abonnement est inutilisable.", fields={"keys": "Clés inutilisables."})
    await messages.subscribe(
        session,
        technician_id=own_technician(actor),
        endpoint=data.endpoint,
        key=data.keys.p256dh,
        secret=data.keys.auth,
        device=_device(request.headers.get("user-agent", "")),
    )


@post("/field/notifications/devices/forget", status_code=303, guards=[requires(Permission.FIELD_WORK)])
async def forget_devices(session: TenantSession, cooperative: CooperativeContext, actor: Actor) -> Redirect:
    """No notification on any phone any more; texts and calls go on."""
    await messages.unsubscribe(session, technician_id=own_technician(actor))
    return see_other(_here(cooperative), flash="Plus de notification. Les SMS continuent.")


@post("/field/notifications/try", status_code=303, guards=[requires(Permission.FIELD_WORK)])
async def try_out(session: TenantSession, cooperative: CooperativeContext, actor: Actor) -> Redirect:
    """Send himself a message, along his own chain."""
    technician = await members.get_technician(session, technician_id=own_technician(actor))
    at = clock.now()
    minute = at.strftime("%Y%m%d%H%M")
    await messages.tell(
        session,
        person=messages.Person(technician.id, technician.phone, technician.email),
        body=messages.wording("try_out", name=actor.display_name),
        purpose="try_out",
        dedupe_key=f"try:{technician.id}:{minute}",
        link="/field/notifications",
    )
    return see_other(_here(cooperative), flash="Message d’essai envoyé.")


def _here(cooperative: CooperativeContext) -> str:
    return f"{base_path(cooperative)}/field/notifications"


def _device(agent: str) -> str:
    """« Firefox, Android »: enough for its owner to know which phone it is."""
    browsers = (("Firefox", "Firefox"), ("Edg", "Edge"), ("Chrome", "Chrome"), ("Safari", "Safari"))
    systems = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac", "Mac"))
    browser = next((name for mark, name in browsers if mark in agent), "Navigateur")
    system = next((name for mark, name in systems if mark in agent), "")
    return f"{browser}, {system}" if system else browser


ROUTES: tuple[Any, ...] = (preferences, save_preferences, add_device, forget_devices, try_out)
