"""What the case page shows, assembled once for the office's page, its live part and the artisan's phone."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from maillage_hooks import TradePlugin, TradeRegistry
from maillage_hooks.types import DocumentSpec
from maillage_kit.db import TenantSession
from maillage_tenants import interventions, invoices, quotes, reviews
from maillage_tenants.casefile import queries, service, story
from maillage_tenants.casefile.quoting import QuotingForm, quoting_form
from maillage_tenants.interventions import Clock, Delay, Hold, Intervention, State
from maillage_tenants.quotes import QuoteState, QuoteView

STEP_CLOCKS = {
    "requested": Clock.RING,
    "offered": Clock.ALERTED,
    "accepted": Clock.ACCEPTED,
    "en_route": Clock.DEPARTED,
    "on_site": Clock.ARRIVED,
    "made_safe": Clock.SAFE,
    "done": Clock.FINISHED,
}


@dataclass(frozen=True, slots=True)
class StatusView:
    """The part of the page that moves by itself."""

    case: Intervention
    times: dict[str, datetime]
    last_step: str
    delays: tuple[Delay, ...]
    offers: tuple[interventions.Offer, ...]
    holds: tuple[Hold, ...]
    call: queries.CallStory | None
    timeline: tuple[story.Line, ...]

    @property
    def hold(self) -> Hold | None:
        """The one that lasts."""
        return next((hold for hold in self.holds if hold.ended_at is None), None)


@dataclass(frozen=True, slots=True)
class ReportFieldView:
    """A report field as the form macro reads it."""

    code: str
    label: str
    kind: str
    required: bool
    choices: tuple[tuple[str, str], ...]
    unit: str
    help: str


@dataclass(frozen=True, slots=True)
class CaseView:
    """The whole page. `can` holds the names of the steps that the state allows."""

    status: StatusView
    names: queries.Names
    plugin: TradePlugin | None
    trade_label: str
    type_label: str
    quotes: tuple[QuoteView, ...]
    invoices: tuple[queries.InvoiceOfCase, ...]
    payments: tuple[queries.PaymentOfCase, ...]
    ledger: tuple[queries.LedgerOfCase, ...]
    attachments: tuple[interventions.Attachment, ...]
    leads: tuple[interventions.Lead, ...]
    follow_ups: tuple[Intervention, ...]
    report: tuple[tuple[str, str], ...]
    report_complete: bool
    documents: tuple[DocumentSpec, ...]
    authority: interventions.WorkAuthority
    can: frozenset[str]
    report_fields: tuple[ReportFieldView, ...]
    report_values: dict[str, str]
    quoting: QuotingForm | None
    to_bill: tuple[QuoteView, ...]
    review: reviews.Review | None

    @property
    def call(self) -> queries.CallStory | None:
        return self.status.call

    @property
    def holds(self) -> tuple[Hold, ...]:
        return self.status.holds

    @property
    def notes(self) -> tuple[queries.InvoiceOfCase, ...]:
        """The standing notes and invoices, oldest first."""
        return queries.standing(self.invoices)

    @property
    def note(self) -> queries.InvoiceOfCase | None:
        """The last standing note."""
        return self.notes[-1] if self.notes else None

    @property
    def case(self) -> Intervention:
        return self.status.case

    @property
    def waiting_quote(self) -> QuoteView | None:
        """The quote that waits for a signature, the emergency one first."""
        return next((quote for quote in self.quotes if quote.state is QuoteState.SENT), None)

    @property
    def drafts(self) -> tuple[QuoteView, ...]:
        return tuple(quote for quote in self.quotes if quote.state is QuoteState.DRAFT)

    @property
    def signed_quote(self) -> QuoteView | None:
        return next((quote for quote in self.quotes if quote.state is QuoteState.SIGNED), None)


async def status_view(session: TenantSession, *, case: Intervention, at: datetime) -> StatusView:
    """Seven queries, whatever the length of the story."""
    known = await interventions.clocks(session, case_id=case.id)
    times = {code: known[clock] for code, clock in STEP_CLOCKS.items() if clock in known}
    if case.closed_at:
        times["closed"] = case.closed_at
    holds = await interventions.holds(session, case_id=case.id)
    call = await queries.call_story(session, call_id=case.call_id) if case.call_id else None
    return StatusView(
        case=case,
        times=times,
        last_step=list(times)[-1] if times else "requested",
        delays=await interventions.delays(session, case=case, at=at),
        offers=await interventions.offers(session, case_id=case.id),
        holds=holds,
        call=call,
        timeline=story.timeline(
            await interventions.story(session, case_id=case.id),
            call,
            await queries.messages_of(session, case_id=case.id),
        ),
    )


async def case_view(session: TenantSession, *, case_id: UUID, trades: TradeRegistry, at: datetime) -> CaseView:
    """Raises CaseNotFound."""
    case = await interventions.case(session, case_id=case_id)
    plugin = trades.get(case.trade) if case.trade and case.trade in trades else None
    kind = plugin.types_by_code.get(case.type_code or "") if plugin else None
    fields = plugin.report.fields(case.type_code or "") if plugin else ()
    given = await quotes.quotes_of_case(session, case_id=case_id)
    return CaseView(
        status=await status_view(session, case=case, at=at),
        names=await queries.names(session, case_id=case_id),
        plugin=plugin,
        trade_label=trades.label(case.trade) if case.trade else "",
        type_label=kind.label if kind else case.type_code or "",
        quotes=given,
        invoices=await queries.invoices_of(session, case_id=case_id),
        payments=await queries.payments_of(session, case_id=case_id),
        ledger=await queries.ledger_of(session, case_id=case_id),
        attachments=await interventions.attachments(session, case_id=case_id),
        leads=await interventions.leads(session, case_id=case_id),
        follow_ups=await interventions.follow_ups(session, case_id=case_id),
        report=interventions.as_words(fields, case.report),
        report_complete=bool(
            plugin and case.type_code and interventions.report_is_complete(case.report, plugin, case.type_code)
        ),
        documents=service.documents_of(plugin, case),
        authority=await quotes.work_authority(session, case_id=case_id),
        can=frozenset(step.value for step in interventions.allowed_steps(State(case.state))),
        report_fields=tuple(
            ReportFieldView(
                code=field.code,
                label=field.label,
                kind=field.kind.value,
                required=field.required,
                choices=tuple((choice.code, choice.label) for choice in field.choices),
                unit=field.unit,
                help=field.help,
            )
            for field in fields
        ),
        report_values=interventions.as_form(fields, case.report),
        quoting=quoting_form(plugin, case, given, at=at) if plugin and case.type_code else None,
        to_bill=await invoices.quotes_to_bill(session, case_id=case_id)
        if case.state in (State.DONE, State.PARTIAL)
        else (),
        review=await reviews.review_of(session, case_id=case_id) if case.state == State.CLOSED else None,
    )
