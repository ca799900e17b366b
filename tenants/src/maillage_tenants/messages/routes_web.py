"""The office's pages on messages: the list, one message with its attempts, the rules for what is not urgent."""

from datetime import time
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, base_path, page, page_request, requires, see_other, text
from maillage_tenants.messages import labels, queries
from maillage_tenants.messages.policy import set_policy
from maillage_tenants.messages.queries import Show
from maillage_tenants.messages.rules import Policy
from maillage_tenants.messages.words import template

_TABS = (
    (Show.ALL, "Tous", "mail"),
    (Show.HELD, "En attente", "clock"),
    (Show.FAILED, "Échecs", "warning"),
    (Show.RECEIVED, "Reçus", "user"),
)
_WORDS: dict[str, Any] = {
    "states": labels.STATES,
    "attempt_states": labels.ATTEMPTS,
    "channels": labels.CHANNELS,
    "carriers": labels.CARRIERS,
    "failures": labels.FAILURES,
    "urgencies": labels.URGENCIES,
    "purpose_label": lambda purpose: template(purpose).label,
}


@get("/messages", guards=[requires(Permission.MESSAGES_READ)])
async def message_list(request: AnyRequest, session: TenantSession, cooperative: CooperativeContext) -> Template:
    """Messages, newest first: all, those held back with the reason, those that failed, those received."""
    asked = request.query_params.get("show", Show.ALL)
    show = Show(asked) if asked in set(Show) else Show.ALL
    here = f"{base_path(cooperative)}/messages"
    wanted = page_request(request)
    return page(
        request,
        "messages/list.html",
        show=show.value,
        shown=await queries.message_log(session, page=wanted, show=show) if show is not Show.RECEIVED else None,
        replies=await queries.reply_log(session, page=wanted) if show is Show.RECEIVED else None,
        tabs=[
            {"href": f"{here}?show={code.value}", "label": label, "icon": icon, "current": code is show}
            for code, label, icon in _TABS
        ],
        **_WORDS,
    )


@get("/messages/{message_id:uuid}", guards=[requires(Permission.MESSAGES_READ)])
async def message_page(request: AnyRequest, session: TenantSession, message_id: UUID) -> Template:
    """One message: what it says, every attempt with its receipt."""
    message, attempts = await queries.one_message(session, message_id=message_id)
    return page(request, "messages/one.html", message=message, attempts=attempts, **_WORDS)


@get("/messages/policy", guards=[requires(Permission.MESSAGES_READ)])
async def policy_form(request: AnyRequest, session: TenantSession) -> Template:
    """Quiet hours and limit of what is not urgent."""
    return _policy_page(request, await queries.policy(session))


@post("/messages/policy", status_code=303, guards=[requires(Permission.SETTINGS_WRITE)])
async def save_policy(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor
) -> Redirect | Template:
    """Change them. An emergency is never concerned."""
    form = await request.form()
    limit = text(form, "routine_per_hour")
    try:
        await set_policy(
            session,
            policy=Policy(
                quiet_from=_time(text(form, "quiet_from"), "quiet_from"),
                quiet_to=_time(text(form, "quiet_to"), "quiet_to"),
                quiet_sundays=text(form, "quiet_sundays") == "1",
                quiet_holidays=text(form, "quiet_holidays") == "1",
                routine_per_hour=int(limit) if limit.isdecimal() and len(limit) < 4 else 0,
            ),
            by=actor.display_name,
        )
    except Invalid as refused:
        return _policy_page(request, form, errors=refused.fields, status=422)
    return see_other(f"{base_path(cooperative)}/messages", flash="Les règles des messages courants sont changées.")


def _policy_page(
    request: AnyRequest, values: Any, *, errors: dict[str, str] | None = None, status: int = 200
) -> Template:
    if isinstance(values, Policy):
        shown: dict[str, Any] = {
            "quiet_from": f"{values.quiet_from:%H:%M}",
            "quiet_to": f"{values.quiet_to:%H:%M}",
            "quiet_sundays": values.quiet_sundays,
            "quiet_holidays": values.quiet_holidays,
            "routine_per_hour": values.routine_per_hour,
        }
    else:
        shown = {name: text(values, name) for name in ("quiet_from", "quiet_to", "routine_per_hour")}
        shown |= {name: text(values, name) == "1" for name in ("quiet_sundays", "quiet_holidays")}
    return page(request, "messages/policy.html", status_code=status, values=shown, errors=errors or {})


def _time(typed: str, field: str) -> time:
    try:
        return time.fromisoformat(typed).replace(tzinfo=None, second=0, microsecond=0)
    except ValueError as exc:
        raise Invalid("Une heure est à corriger.", fields={field: "Écrivez une heure, par exemple 21:00."}) from exc


ROUTES = (message_list, message_page, policy_form, save_policy)
