"""Triage: what the answers say, the price announced, the delays promised; or the words that send elsewhere (R87)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from maillage_hooks import TradePlugin, bands
from maillage_hooks.questions import asked, choices_of
from maillage_hooks.types import Place, PlanPromise, Redirect, SlaRequest, TriageResult
from maillage_kit import outside
from maillage_kit.db import TenantSession
from maillage_tenants import tariffs
from maillage_tenants.interventions import queries, rules
from maillage_tenants.interventions.errors import StepNotAllowed, TriageIncomplete
from maillage_tenants.interventions.models import Clock, Intervention, State
from maillage_tenants.interventions.service.offers import withdraw_offers
from maillage_tenants.interventions.service.pricing import announced_price
from maillage_tenants.interventions.service.story import add_event, changed, stamp


async def qualify_case(
    session: TenantSession,
    *,
    case_id: UUID,
    trade_plugin: TradePlugin,
    answers: Mapping[str, str],
    at: datetime,
    by: str,
    tariff: "tariffs.TariffVersion | None",
    promise: PlanPromise | None,
    place: Place,
    department: str = "",
) -> TriageResult:
    """Assess the answers, freeze what follows: type, priority, price announced (R2), promises from T2 (R88).

    A blocking redirect ends the case at once, without dispatch and without clock (R87). A case qualified before keeps
    its T2, promises and announced price: only its type, priority and answers are corrected.
    Raises TriageIncomplete naming the questions still to ask, StepNotAllowed on a case that is over.
    """
    row = await queries.locked_case(session, case_id=case_id)
    if State(row.state) in rules.FINAL_STATES:
        raise StepNotAllowed("Ce dossier est terminé : il ne se qualifie plus.")
    result = trade_plugin.triage.assess(answers)
    row.trade = trade_plugin.trade.code
    if result.redirect is not None and result.redirect.blocks_dispatch:
        row.triage = _triage_record(trade_plugin, answers, result, at)
        await _redirect(session, row, redirect=result.redirect, at=at, by=by)
        return result
    if result.missing:
        raise TriageIncomplete(fields=dict.fromkeys(result.missing, "Réponse attendue."))
    first_time = await stamp(session, case_id=case_id, clock=Clock.QUALIFIED, at=at, by=by)
    row.triage = _triage_record(trade_plugin, answers, result, at)
    row.type_code, row.priority = result.type_code, result.priority
    kind = trade_plugin.types_by_code[result.type_code]
    if result.redirect is not None:
        row.redirect_code = result.redirect.code
    if first_time:
        when = bands.bands_at(at, department)
        targets = trade_plugin.sla.targets(
            SlaRequest(type_code=result.type_code, priority=result.priority, bands=when, place=place, plan=promise)
        )
        promised = rules.deadlines(targets, qualified_at=at, department=department)
        row.accept_by, row.arrive_by, row.safe_by = promised.accept_by, promised.arrive_by, promised.safe_by
        if tariff is not None:
            row.tariff_id = tariff.id
            row.announced = {
                **announced_price(tariff, kind=kind, priority=result.priority, at=at, department=department),
                "announced_at": at.isoformat(),
                "announced_by": by,
            }
        await outside.defer(session, "interventions.send_tracking", {"case_id": case_id})
        for due in (row.accept_by, row.arrive_by):
            if due is not None:
                await outside.defer(session, "interventions.look_at_delays", {"case_id": case_id}, run_at=due)
    await add_event(
        session,
        case_id=case_id,
        kind="qualified" if first_time else "requalified",
        text=f"{'Demande qualifiée' if first_time else 'Qualification corrigée'} : {kind.label}, {result.priority}",
        actor=by,
        at=at,
        detail={"type": kind.code, "priority": str(result.priority), "place": str(place)},
    )
    if first_time and tariff is None:
        await add_event(
            session, case_id=case_id, kind="no_tariff", text="Aucun barème publié : prix non annoncé", actor=by, at=at
        )
    await changed(session, row)
    return result


async def redirect_case(session: TenantSession, *, case_id: UUID, redirect: Redirect, at: datetime, by: str) -> None:
    """Send the caller to somebody else: logged with its time, no dispatch, no clock (R87). Raises StepNotAllowed."""
    row = await queries.locked_case(session, case_id=case_id)
    await _redirect(session, row, redirect=redirect, at=at, by=by)


async def _redirect(session: TenantSession, row: Intervention, *, redirect: Redirect, at: datetime, by: str) -> None:
    before = row.state
    row.state = rules.next_state(State(row.state), rules.Step.REDIRECT)
    row.redirect_code = redirect.code
    await withdraw_offers(session, case_id=row.id, at=at)
    await add_event(
        session,
        case_id=row.id,
        kind="redirected",
        text=f"Réorientation : {redirect.label} (consignes de sécurité : « {redirect.script.title} »)",
        actor=by,
        at=at,
        detail={"redirect": redirect.code, "phones": list(redirect.phone_numbers)},
    )
    await changed(session, row, before=before)


def _triage_record(
    plugin: TradePlugin, answers: Mapping[str, str], result: TriageResult, at: datetime
) -> dict[str, Any]:
    """Questions as they were asked and answers as they were given: readable when the trade has changed since."""
    lines = []
    for question in asked(plugin.triage.questions, answers):
        answer = answers.get(question.code, "")
        if answer:
            labels = {choice.code: choice.label for choice in choices_of(question)}
            lines.append(
                {"code": question.code, "question": question.handler_text, "answer": labels.get(answer, answer)}
            )
    return {
        "trade": plugin.trade.code,
        "version": plugin.report.version,
        "answers": {line["code"]: answers[line["code"]] for line in lines},
        "lines": lines,
        "type": result.type_code,
        "priority": str(result.priority),
        "safety": [
            {"title": script.title, "lines": list(script.lines)}
            for script in ((result.redirect.script,) if result.redirect else ()) + result.safety
        ],
        "assessed_at": at.isoformat(),
    }
