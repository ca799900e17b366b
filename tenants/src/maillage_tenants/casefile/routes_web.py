"""The case page and the list of cases."""

from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Response, Template

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid, NotFound
from maillage_kit.permissions import Permission
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, base_path, page, page_request, requires, see_other, text, url_with
from maillage_tenants import interventions, reviews, territory
from maillage_tenants.casefile import queries, service
from maillage_tenants.casefile.access import attempt, case_for, case_page, done_or_said, kept_file, pdf, words_of
from maillage_tenants.casefile.views import case_view, status_view
from maillage_tenants.casefile.words import case_words
from maillage_tenants.interventions import HoldReason, State, TriageIncomplete


@get("/cases", guards=[requires(Permission.CASES_READ)])
async def list_of_cases(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, trades: TradeRegistry
) -> Template:
    """Cases, latest first, by state, trade, sector, number or name."""
    query = request.query_params
    state, trade, sector, wanted = (query.get(name, "").strip() for name in ("state", "trade", "sector", "q"))
    shown = await queries.list_cases(
        session,
        page=page_request(request),
        state=state if state == "open" or state in set(State) else "",
        trade=trade,
        sector_id=uuid_of(sector),
        text=wanted[:80],
    )
    return page(
        request,
        "casefile/list.html",
        shown=shown,
        base_url=url_with(request, after=None, limit=None),
        here=base_path(cooperative) + "/cases",
        state=state,
        trade=trade,
        sector=sector,
        q=wanted,
        states=[("open", "En cours (toutes)"), *((s.value, interventions.STATE_LABELS[s]) for s in State)],
        trade_choices=[(plugin.trade.code, plugin.trade.label) for plugin in trades],
        sectors=[(str(found.id), found.name) for found in await territory.all_sectors(session)],
        trade_labels={plugin.trade.code: plugin.trade.label for plugin in trades},
        type_labels={kind.code: kind.label for plugin in trades for kind in plugin.types},
    )


@get("/cases/{case_id:uuid}", guards=[requires(Permission.CASES_READ, Permission.FIELD_WORK)])
async def one_case(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    case_id: UUID,
) -> Template | Redirect:
    """The whole story on one page. An artisan finds his own cases on his phone page."""
    await case_for(session, case_id=case_id, actor=actor)
    if actor.may(Permission.FIELD_WORK):
        return see_other(case_page(cooperative, actor, case_id))
    return await _page(request, session, cooperative, trades, case_id)


async def _page(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    trades: TradeRegistry,
    case_id: UUID,
    *,
    answers: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    answer: str = "",
    answer_errors: dict[str, str] | None = None,
    status_code: int = 200,
) -> Template:
    view = await case_view(session, case_id=case_id, trades=trades, at=clock.now())
    plugin = view.plugin
    given = view.case.triage.get("answers", {}) if answers is None else answers
    now_price = (
        await interventions.present_price(
            session, cooperative=cooperative, trade_plugin=plugin, answers=given, at=clock.now()
        )
        if plugin and not view.case.type_code
        else None
    )
    assignable = (
        await queries.technicians_for(session, trade=view.case.trade)
        if view.case.trade and State(view.case.state) in (State.REQUESTED, State.OFFERED)
        else ()
    )
    return page(
        request,
        "casefile/case.html",
        status_code=status_code,
        view=view,
        case=view.case,
        here=f"{base_path(cooperative)}/cases/{case_id}",
        triage=interventions.triage_form(plugin, given, errors=errors) if plugin else None,
        triage_errors=errors or {},
        answer=answer,
        answer_errors=answer_errors or {},
        now_price=now_price,
        trade_choices=[(found.trade.code, found.trade.label) for found in trades],
        hold_reasons=[(reason.value, interventions.HOLD_LABELS[reason]) for reason in HoldReason],
        assignable=[(str(technician), words) for technician, _, words in assignable],
        **case_words(),
    )


@post("/cases/{case_id:uuid}/review/answer", guards=[requires(Permission.CASES_WRITE)])
async def answer_review(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    case_id: UUID,
) -> Template | Redirect:
    """The cooperative answers the customer's review, once; the review itself stays as it is."""
    await case_for(session, case_id=case_id, actor=actor)
    typed = text(await request.form(), "answer")
    try:
        said = reviews.read_answer(typed)
    except Invalid as wrong:
        return await _page(
            request, session, cooperative, trades, case_id,
            answer=typed, answer_errors=dict(wrong.fields), status_code=422,
        )  # fmt: skip
    return await done_or_said(
        session,
        reviews.answer_review(session, case_id=case_id, answer=said, at=clock.now(), by=actor.display_name),
        back=f"{case_page(cooperative, actor, case_id)}#review",
        done="Réponse enregistrée.",
    )


@get("/cases/{case_id:uuid}/status", guards=[requires(Permission.CASES_READ)])
async def live_status(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, case_id: UUID
) -> Template:
    """The part of the page that moves by itself."""
    row = await interventions.case(session, case_id=case_id)
    return page(
        request,
        "casefile/_live.html",
        status=await status_view(session, case=row, at=clock.now()),
        here=f"{base_path(cooperative)}/cases/{case_id}",
        **case_words(),
    )


# ------------------------------------------------------------------------------------------------------------- triage


@post("/cases/triage-questions", status_code=200, guards=[requires(Permission.CASES_WRITE, Permission.FIELD_WORK)])
async def triage_questions(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, trades: TradeRegistry
) -> Template:
    """The questions that follow from the answers so far, and the price to announce (R2): nothing is written.

    `price=no` in the address: the price was announced before.
    """
    form = await request.form()
    trade = text(form, "trade")
    if trade not in trades:
        raise NotFound
    plugin, answers = trades.get(trade), interventions.answers_of(form)
    again = request.query_params.get("price") == "no"
    return page(
        request,
        "interventions/triage_fragment.html",
        triage=interventions.triage_form(plugin, answers),
        refresh_url=f"{base_path(cooperative)}/cases/triage-questions{'?price=no' if again else ''}",
        public=False,
        now_price=None
        if again
        else await interventions.present_price(
            session, cooperative=cooperative, trade_plugin=plugin, answers=answers, at=clock.now()
        ),
        accepted=text(form, "price_accepted"),
    )


@post("/cases/{case_id:uuid}/price", guards=[requires(Permission.CASES_WRITE, Permission.FIELD_WORK)])
async def accept_price(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID
) -> Redirect:
    """The customer agrees to the price announced, by telephone or at the door (R2)."""
    await case_for(session, case_id=case_id, actor=actor)
    key = text(await request.form(), "price_accepted")
    here = case_page(cooperative, actor, case_id)
    if not await interventions.accept_price(session, case_id=case_id, key=key, at=clock.now(), by=actor.display_name):
        return see_other(here, flash="Ce n’est pas le prix annoncé sur ce dossier.", tone="danger")
    return see_other(here, flash="Accord du client enregistré.")


@post("/cases/{case_id:uuid}/triage", guards=[requires(Permission.CASES_WRITE)])
async def qualify(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    case_id: UUID,
) -> Template | Redirect:
    """Qualify the case: type, priority, promises, price; or redirect it (R85, R87)."""
    await case_for(session, case_id=case_id, actor=actor)
    form = await request.form()
    trade = text(form, "trade")
    if trade not in trades:
        raise Invalid("Choisissez un métier.", fields={"trade": "Choisissez un métier."})
    answers = interventions.answers_of(form)
    here = case_page(cooperative, actor, case_id)
    try:
        async with session.begin_nested():
            result = await interventions.triage_case(
                session,
                cooperative=cooperative,
                case_id=case_id,
                trade_plugin=trades.get(trade),
                answers=answers,
                at=clock.now(),
                by=actor.display_name,
            )
    except TriageIncomplete as refusal:
        return await _page(
            request, session, cooperative, trades, case_id, answers=answers, errors=refusal.fields, status_code=422
        )
    if result.redirect is not None and result.redirect.blocks_dispatch:
        return see_other(here, flash=f"Réorientée : {result.redirect.label}", tone="warning")
    await interventions.accept_price(
        session, case_id=case_id, key=text(form, "price_accepted"), at=clock.now(), by=actor.display_name
    )
    return see_other(here, flash="Demande qualifiée.")


@post("/cases/{case_id:uuid}/trade", guards=[requires(Permission.CASES_WRITE)])
async def choose_trade(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    case_id: UUID,
) -> Redirect:
    """Say which trade the case is about, so that its questions can be asked."""
    await case_for(session, case_id=case_id, actor=actor)
    trade = text(await request.form(), "trade")
    if trade not in trades:
        return see_other(case_page(cooperative, actor, case_id), flash="Choisissez un métier.", tone="danger")
    row = await interventions.locked_case(session, case_id=case_id)
    if State(row.state) not in interventions.FINAL_STATES and row.type_code is None:
        row.trade, row.sector_id = trade, None
        await session.flush()
    return see_other(case_page(cooperative, actor, case_id))


# ---------------------------------------------------------------------------------------------------- who goes there


@post("/cases/{case_id:uuid}/dispatch", guards=[requires(Permission.CASES_WRITE)])
async def look_for_artisan(
    session: TenantSession, cooperative: CooperativeContext, actor: Actor, settings: Settings, case_id: UUID
) -> Redirect:
    """Offer the case along the ladder."""
    await case_for(session, case_id=case_id, actor=actor)
    return await done_or_said(
        session,
        interventions.dispatch_case(
            session,
            cooperative=cooperative,
            settings=settings,
            case_id=case_id,
            at=clock.now(),
            by=actor.display_name,
        ),
        back=case_page(cooperative, actor, case_id),
        done="La recherche d’un artisan est lancée.",
    )


@post("/cases/{case_id:uuid}/assign", guards=[requires(Permission.CASES_WRITE)])
async def assign(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID
) -> Redirect:
    """Give the case to somebody who said yes by voice."""
    await case_for(session, case_id=case_id, actor=actor)
    technician = uuid_of(text(await request.form(), "technician_id"))
    back = case_page(cooperative, actor, case_id)
    if technician is None:
        return see_other(back, flash="Choisissez un artisan.", tone="danger")
    return await done_or_said(
        session,
        service.assign_case(session, case_id=case_id, technician_id=technician, at=clock.now(), by=actor.display_name),
        back=back,
        done="Intervention attribuée.",
    )


@post("/cases/{case_id:uuid}/release", guards=[requires(Permission.CASES_WRITE, Permission.FIELD_WORK)])
async def release(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID
) -> Redirect:
    """The artisan cannot go after all."""
    await case_for(session, case_id=case_id, actor=actor)
    reason = text(await request.form(), "reason")
    back = case_page(cooperative, actor, case_id)
    if actor.may(Permission.FIELD_WORK):
        back = f"{base_path(cooperative)}/field"
    return await done_or_said(
        session,
        interventions.release_case(session, case_id=case_id, reason=reason, at=clock.now(), by=actor.display_name),
        back=back,
        done="L’intervention n’a plus d’artisan : la permanence est alertée.",
    )


@post("/cases/{case_id:uuid}/cancel", guards=[requires(Permission.CASES_WRITE)])
async def cancel(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID
) -> Redirect:
    """Cancel with a reason."""
    await case_for(session, case_id=case_id, actor=actor)
    return await done_or_said(
        session,
        interventions.cancel_case(
            session,
            case_id=case_id,
            reason=text(await request.form(), "reason"),
            at=clock.now(),
            by=actor.display_name,
        ),
        back=case_page(cooperative, actor, case_id),
        done="Intervention annulée.",
    )


@post("/cases/{case_id:uuid}/follow-up", guards=[requires(Permission.CASES_WRITE)])
async def follow_up(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID
) -> Redirect:
    """Open the second visit."""
    await case_for(session, case_id=case_id, actor=actor)
    reason = text(await request.form(), "reason")
    opened: list[interventions.CaseRef] = []

    async def open_it() -> None:
        opened.append(
            await interventions.open_follow_up(
                session, case_id=case_id, reason=reason, at=clock.now(), by=actor.display_name
            )
        )

    refusal = await attempt(session, open_it())
    if refusal is not None:
        return see_other(case_page(cooperative, actor, case_id), flash=words_of(refusal), tone="danger")
    visit = opened[0]
    return see_other(case_page(cooperative, actor, visit.id), flash=f"Seconde visite ouverte : {visit.number}.")


# ---------------------------------------------------------------------------------------------------------- documents


@get("/cases/{case_id:uuid}/documents/{code:str}", guards=[requires(Permission.CASES_READ, Permission.FIELD_WORK)])
async def trade_document(
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    case_id: UUID,
    code: str,
) -> Response[bytes]:
    """A document of the trade: leak certificate (R90), record after a break-in (R93), record for the insurer (R91)."""
    row = await case_for(session, case_id=case_id, actor=actor)
    if row.trade is None or row.trade not in trades:
        raise NotFound
    content = await service.print_document(
        session, cooperative=cooperative, case_id=case_id, plugin=trades.get(row.trade), code=code, at=clock.now()
    )
    return pdf(content, f"{code}-{row.number}.pdf")


@get(
    "/cases/{case_id:uuid}/attachments/{attachment_id:uuid}",
    guards=[requires(Permission.CASES_READ, Permission.FIELD_WORK)],
)
async def attachment(session: TenantSession, actor: Actor, case_id: UUID, attachment_id: UUID) -> Response[bytes]:
    """A photo or a document of the case, as it was sent."""
    await case_for(session, case_id=case_id, actor=actor)
    return await kept_file(session, case_id=case_id, attachment_id=attachment_id)


def uuid_of(value: str) -> UUID | None:
    """An id that a form sends, None when it is none."""
    try:
        return UUID(value)
    except ValueError:
        return None


ROUTES = (
    list_of_cases,
    one_case,
    answer_review,
    live_status,
    triage_questions,
    accept_price,
    qualify,
    choose_trade,
    look_for_artisan,
    assign,
    release,
    cancel,
    follow_up,
    trade_document,
    attachment,
)
