"""On the way and on site: leave, arrive, work, pause, danger, photos, what is left to propose."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from uuid import UUID

from litestar import post
from litestar.datastructures import FormMultiDict, UploadFile
from litestar.response import Redirect

from maillage_kit import clock
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import NotFound
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, requires, see_other, text
from maillage_tenants import interventions, quotes
from maillage_tenants.casefile.access import case_for, case_page, done_or_said
from maillage_tenants.interventions import DangerKind, HoldReason

MAX_PHOTOS = 8

Advance = Callable[..., Awaitable[None]]
_TRAVEL: Mapping[str, tuple[Advance, str]] = {
    "depart": (interventions.depart, "Départ enregistré."),
    "arrive": (interventions.arrive, "Arrivée enregistrée."),
}
_WORK: Mapping[str, tuple[Advance, str]] = {
    "make_safe": (interventions.make_safe, "Mise en sécurité enregistrée."),
    "finish": (interventions.finish_work, "Travaux terminés."),
}


@post("/cases/{case_id:uuid}/advance", guards=[requires(Permission.CASES_WRITE, Permission.FIELD_WORK)])
async def advance(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID
) -> Redirect:
    """Left, arrived, made safe, finished. The last two need a signed quote or a written danger (R4, R6)."""
    await case_for(session, case_id=case_id, actor=actor)
    step = text(await request.form(), "step")
    at, by = clock.now(), actor.display_name
    if step in _TRAVEL:
        act, done = _TRAVEL[step]
        doing = act(session, case_id=case_id, at=at, by=by)
    elif step in _WORK:
        act, done = _WORK[step]
        authority = await quotes.work_authority(session, case_id=case_id)
        doing = act(session, case_id=case_id, at=at, by=by, authority=authority)
    else:
        raise NotFound
    return await done_or_said(session, doing, back=case_page(cooperative, actor, case_id), done=done)


@post("/cases/{case_id:uuid}/hold", guards=[requires(Permission.CASES_WRITE, Permission.FIELD_WORK)])
async def hold(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID
) -> Redirect:
    """Pause for a reason of the closed list (R20)."""
    await case_for(session, case_id=case_id, actor=actor)
    form = await request.form()
    back = case_page(cooperative, actor, case_id)
    if text(form, "reason") not in set(HoldReason):
        return see_other(back, flash="Choisissez un motif d’attente.", tone="danger")
    return await done_or_said(
        session,
        interventions.hold_case(
            session,
            case_id=case_id,
            reason=HoldReason(text(form, "reason")),
            note=text(form, "note")[:500],
            at=clock.now(),
            by=actor.display_name,
        ),
        back=back,
        done="Intervention mise en attente : les délais sont suspendus.",
    )


@post("/cases/{case_id:uuid}/resume", guards=[requires(Permission.CASES_WRITE, Permission.FIELD_WORK)])
async def resume(session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID) -> Redirect:
    """End of the pause."""
    await case_for(session, case_id=case_id, actor=actor)
    return await done_or_said(
        session,
        interventions.resume_case(session, case_id=case_id, at=clock.now(), by=actor.display_name),
        back=case_page(cooperative, actor, case_id),
        done="L’intervention reprend.",
    )


@post("/cases/{case_id:uuid}/partial", guards=[requires(Permission.CASES_WRITE, Permission.FIELD_WORK)])
async def partial(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID
) -> Redirect:
    """Leave with something still to do."""
    await case_for(session, case_id=case_id, actor=actor)
    return await done_or_said(
        session,
        interventions.leave_partial(
            session,
            case_id=case_id,
            reason=text(await request.form(), "reason"),
            at=clock.now(),
            by=actor.display_name,
        ),
        back=case_page(cooperative, actor, case_id),
        done="Intervention partielle enregistrée.",
    )


@post("/cases/{case_id:uuid}/danger", guards=[requires(Permission.CASES_WRITE, Permission.FIELD_WORK)])
async def danger(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID
) -> Redirect:
    """Work before the signature: a reason of the closed list, a photo or a message to the customer as proof (R6)."""
    await case_for(session, case_id=case_id, actor=actor)
    form = await request.form()
    back = case_page(cooperative, actor, case_id)
    if text(form, "danger") not in set(DangerKind):
        return see_other(back, flash="Choisissez le danger dans la liste.", tone="danger")
    photos = _files(form, "danger_photos")
    if len(photos) > MAX_PHOTOS:
        return see_other(back, flash=f"{MAX_PHOTOS} photos au plus.", tone="danger")

    async def record() -> None:
        at, by = clock.now(), actor.display_name
        await _keep(session, photos, case_id=case_id, kind="danger", by=by)
        await interventions.record_danger(
            session,
            cooperative=cooperative,
            case_id=case_id,
            danger=DangerKind(text(form, "danger")),
            words=text(form, "danger_reason"),
            photos=len(photos),
            at=at,
            by=by,
        )

    return await done_or_said(
        session,
        record(),
        back=back,
        done="Danger enregistré : mettez en sécurité, puis faites signer le devis pendant cette visite.",
    )


@post("/cases/{case_id:uuid}/lead", guards=[requires(Permission.CASES_WRITE, Permission.FIELD_WORK)])
async def lead(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID
) -> Redirect:
    """Work beyond the emergency, for the member who brought the customer (R15, R60)."""
    await case_for(session, case_id=case_id, actor=actor)
    form = await request.form()
    return await done_or_said(
        session,
        interventions.create_lead(
            session,
            case_id=case_id,
            title=text(form, "title")[:200],
            detail=text(form, "detail")[:2000],
            at=clock.now(),
            by=actor.display_name,
        ),
        back=case_page(cooperative, actor, case_id),
        done="Travaux à proposer enregistrés.",
    )


@post("/cases/{case_id:uuid}/attachments", guards=[requires(Permission.CASES_WRITE, Permission.FIELD_WORK)])
async def attach(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID
) -> Redirect:
    """Add photos or a document; none is kept when one is refused."""
    await case_for(session, case_id=case_id, actor=actor)
    form = await request.form()
    back = case_page(cooperative, actor, case_id)
    files = _files(form, "photos")
    if not files or len(files) > MAX_PHOTOS:
        return see_other(back, flash=f"Choisissez de 1 à {MAX_PHOTOS} fichiers.", tone="danger")
    kind = text(form, "kind") or "other"
    done = "Photo ajoutée." if len(files) == 1 else f"{len(files)} fichiers ajoutés."
    return await done_or_said(
        session, _keep(session, files, case_id=case_id, kind=kind, by=actor.display_name), back=back, done=done
    )


def _files(form: FormMultiDict, name: str) -> list[UploadFile]:
    return [file for file in form.getall(name, []) if isinstance(file, UploadFile) and file.filename]


async def _keep(session: TenantSession, files: Iterable[UploadFile], *, case_id: UUID, kind: str, by: str) -> None:
    for file in files:
        await interventions.add_attachment(
            session,
            case_id=case_id,
            kind=kind,
            filename=file.filename,
            content=await file.read(),
            at=clock.now(),
            by=by,
        )
