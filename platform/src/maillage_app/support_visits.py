"""The federation's support comes into a cooperative: its managers permit it and are told, its log has every page.

Here, because a visit joins what the control plane knows (who, where, until when) and what the cooperative owns (its
audit log, its messages).
"""

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_app.runtime import Runtime
from maillage_kit import clock
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import PlatformSession, TenantSession
from maillage_kit.errors import Invalid, NotFound
from maillage_kit.ids import parsed_id
from maillage_kit.pages import cut_page, read_id
from maillage_kit.permissions import Permission, Role
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, Sent, base_path, page, page_request, requires, see_other, text
from maillage_platform import identity, support
from maillage_platform.identity.places import Place
from maillage_platform.support.models import SupportVisit
from maillage_platform.support.rules import CHOICES
from maillage_tenants import audit, messages

_SHORT = 80


@get("/settings/support", guards=[requires(Permission.PEOPLE_READ)])
async def support_settings(
    request: AnyRequest, platform_session: PlatformSession, cooperative: CooperativeContext
) -> Template:
    """Whether the support may come in, who is inside, who came."""
    asked = page_request(request)
    (before,) = asked.position(read_id) or (None,)
    rows = await support.visits(platform_session, cooperative_id=cooperative.id, before=before, limit=asked.limit + 1)
    return page(
        request,
        "support/settings.html",
        place=Place.of(cooperative),
        consent=await support.consent_of(platform_session, cooperative_id=cooperative.id),
        inside=await support.live_visits(platform_session, cooperative_id=cooperative.id, at=clock.now()),
        shown=cut_page(rows, asked, lambda row: [row.id]),
    )


@post("/settings/support", guards=[requires(Permission.PEOPLE_MANAGE)], status_code=303)
async def permit_support(
    request: AnyRequest,
    platform_session: PlatformSession,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
) -> Redirect:
    """Permit visits, or forbid them, which ends those that go on."""
    allowed = bool(text(await request.form(), "allowed"))
    ended = await support.set_consent(
        platform_session, cooperative_id=cooperative.id, allowed=allowed, by=actor.display_name, at=clock.now()
    )
    await audit.record(
        session,
        actor=actor.display_name,
        action="support.allowed" if allowed else "support.forbidden",
        subject_type="support_consent",
        subject_id=cooperative.id,
    )
    for visit in ended:
        await _write_end(session, visit, by=actor.display_name)
    told = "L’assistance peut entrer, en lecture." if allowed else "L’assistance ne peut plus entrer."
    return see_other(f"{base_path(cooperative)}/settings/support", flash=told)


@post("/settings/support/end", guards=[requires(Permission.PEOPLE_MANAGE)], status_code=303)
async def end_support(
    request: AnyRequest,
    platform_session: PlatformSession,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
) -> Redirect:
    """Show a visitor out at once."""
    visit = await support.end_visit(
        platform_session,
        cooperative_id=cooperative.id,
        visit_id=parsed_id(text(await request.form(), "visit")),
        by=actor.display_name,
        at=clock.now(),
    )
    await _write_end(session, visit, by=actor.display_name)
    return see_other(f"{base_path(cooperative)}/settings/support", flash="La visite est terminée.")


@get("/federation/support/{slug:str}", guards=[requires(Permission.SUPPORT_ENTER)])
async def ask_to_enter(request: AnyRequest, platform_session: PlatformSession, runtime: Runtime, slug: str) -> Template:
    """The form that says why and for how long."""
    return await _form(request, platform_session, await _cooperative(runtime, slug))


@post("/federation/support/{slug:str}", guards=[requires(Permission.SUPPORT_ENTER)], status_code=303)
async def enter(
    request: AnyRequest,
    platform_session: PlatformSession,
    runtime: Runtime,
    settings: Settings,
    actor: Actor,
    slug: str,
) -> Redirect | Template:
    """Come in. The cooperative's log has it and its managers are told before the first page is read."""
    cooperative = await _cooperative(runtime, slug)
    form = await request.form()
    sent = Sent(reason=text(form, "reason"), minutes=text(form, "minutes"))
    try:
        visit = await support.open_visit(
            platform_session,
            cooperative_id=cooperative.id,
            account_id=actor.account_id,
            name=actor.display_name,
            reason=sent["reason"],
            minutes=sent["minutes"],
            at=clock.now(),
        )
    except Invalid as wrong:
        return await _form(request, platform_session, cooperative, sent=sent, errors=wrong.fields)
    managers = await identity.emails_of(platform_session, cooperative_id=cooperative.id, role=Role.MANAGER)
    async with runtime.database.tenant(cooperative.tenant) as session:
        await audit.record(
            session,
            actor=visit.visitor_name,
            action="support.entered",
            subject_type="support_visit",
            subject_id=visit.id,
            detail={"reason": visit.reason, "minutes": int(sent["minutes"])},
        )
        await _tell_managers(session, cooperative, visit, emails=managers, public_url=settings.web.public_url)
    return see_other(f"{base_path(cooperative)}/desk", flash="Vous êtes entré. Chaque page lue est inscrite ici.")


@post("/federation/support/{slug:str}/leave", guards=[requires(Permission.SUPPORT_ENTER)], status_code=303)
async def leave(platform_session: PlatformSession, runtime: Runtime, actor: Actor, slug: str) -> Redirect:
    """Go out before the time is over. Harmless when the visit has ended meanwhile."""
    cooperative, now = await _cooperative(runtime, slug), clock.now()
    visit = await support.live_visit(
        platform_session, cooperative_id=cooperative.id, account_id=actor.account_id, at=now
    )
    if visit is not None:
        await support.end_visit(
            platform_session, cooperative_id=cooperative.id, visit_id=visit.id, by=actor.display_name, at=now
        )
        async with runtime.database.tenant(cooperative.tenant) as session:
            await _write_end(session, visit, by=actor.display_name)
    return see_other(f"/federation/{cooperative.slug}", flash="Vous êtes sorti.")


async def _form(
    request: AnyRequest,
    session: PlatformSession,
    cooperative: CooperativeContext,
    *,
    sent: Sent | None = None,
    errors: dict[str, str] | None = None,
) -> Template:
    consent = await support.consent_of(session, cooperative_id=cooperative.id)
    return page(
        request,
        "support/enter.html",
        status_code=422 if errors else 200,
        entered=cooperative,
        permitted=consent is not None and consent.allowed,
        sent=sent or Sent(),
        errors=errors or {},
        choices=[(str(minutes), f"{minutes} minutes") for minutes in CHOICES],
    )


async def _cooperative(runtime: Runtime, slug: str) -> CooperativeContext:
    found = await runtime.directory.by_slug(slug)
    if found is None:
        raise NotFound
    return found


async def _tell_managers(
    session: TenantSession,
    cooperative: CooperativeContext,
    visit: SupportVisit,
    *,
    emails: tuple[str, ...],
    public_url: str,
) -> None:
    """Each manager by e-mail, the manager of the directory by text too: the visit can be ended at once."""
    facts = {
        "name": visit.visitor_name,
        "until": f"{clock.paris(visit.expires_at):%H:%M}",
        "url": f"{public_url}{base_path(cooperative)}/settings/support",
    }
    for to in dict.fromkeys((*emails, cooperative.email)):
        await messages.send_email(
            session,
            to=to,
            subject=f"L’assistance de la fédération est entrée chez {cooperative.name}",
            body=messages.wording("support_entered", reason=visit.reason, **facts),
            purpose="support_entered",
            dedupe_key=f"support_entered:{visit.id}:{to}",
        )
    await messages.send_sms(
        session,
        to=cooperative.manager_phone,
        body=messages.wording("support_entered", reason=visit.reason[:_SHORT], **facts),
        purpose="support_entered",
        dedupe_key=f"support_entered:{visit.id}:sms",
    )


async def _write_end(session: TenantSession, visit: SupportVisit, *, by: str) -> None:
    await audit.record(
        session,
        actor=by,
        action="support.ended",
        subject_type="support_visit",
        subject_id=visit.id,
        detail={"person": visit.visitor_name},
    )


TENANT_ROUTES = (support_settings, permit_support, end_support)
FEDERATION_ROUTES = (ask_to_enter, enter, leave)
