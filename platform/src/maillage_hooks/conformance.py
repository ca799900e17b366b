"""The conformance suite of a trade: what the core relies on beyond what start-up checks.

A trade's own tests call `check_trade` and expect an empty list:

    def test_my_trade_conforms() -> None:
        registry = TradeRegistry.from_modules({"my_trade": maillage_my_trade})
        assert check_trade(registry.get("my_trade")) == []

Random answers are drawn from a fixed seed: two runs say the same.
"""

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from maillage_hooks import questions
from maillage_hooks.documents import DocumentData, printed_fields, render
from maillage_hooks.registry import TradePlugin
from maillage_hooks.safety import DANGER
from maillage_hooks.types import (
    CatalogueItem,
    DocumentSpec,
    FieldKind,
    LineDraft,
    LineKind,
    Place,
    PlanPromise,
    PricingRequest,
    Priority,
    Question,
    QuestionKind,
    Redirect,
    ReportField,
    SafetyScript,
    SlaRequest,
    SlaTargets,
    TariffView,
    TimeBand,
    TriageResult,
)
from maillage_kit.money import Money

SEED = 27
SAMPLES = 1500
MAX_SCRIPT_LINES = 8
MAX_SCRIPT_LINE = 120
MAX_SPOKEN = 40
STARTS_AT = datetime(2026, 11, 22, 2, 12, tzinfo=UTC)
HOSTILE_TEXT = "#panic() *gras* $x$ [crochet] « é » \\ @ <a>"

Answers = Mapping[str, str]


def check_trade(plugin: TradePlugin) -> list[str]:
    """Every way in which the trade breaks the contract, in French, each naming what to mend. Empty when it conforms."""
    checks = (_identity, _types, _questions, _triage, _sla, _catalogue, _prices, _report_fields, _documents, _no_float)
    problems: list[str] = []
    for check in checks:
        try:
            problems += check(plugin)
        except Exception as exc:
            problems.append(f"{check.__name__.strip('_')} : {type(exc).__name__} : {exc}")
    return list(dict.fromkeys(problems))


# ---------------------------------------------------------------------------------------------------- random material


def random_answers(questions_: Sequence[Question], draw: random.Random) -> dict[str, str]:
    """Answers as calls and forms give them: right, missing, blank, unknown, left over from another branch."""
    answers = {}
    for question in questions_:
        accepted = [choice.code for choice in questions.choices_of(question)] or ["depuis hier soir"]
        fate = draw.random()
        if fate < 0.75:
            answers[question.code] = draw.choice(accepted)
        elif fate < 0.85:
            answers[question.code] = draw.choice(["", " ", "n’importe quoi", "YES", "0"])
    if draw.random() < 0.2:
        answers["question_inconnue"] = "oui"
    return answers


def complete_answers(questions_: Sequence[Question], draw: random.Random, *, danger: bool = False) -> dict[str, str]:
    """An answer to every question, each accepted; without danger unless asked for."""
    answers = {}
    for question in questions_:
        accepted = [choice.code for choice in questions.choices_of(question)] or ["depuis hier soir"]
        answers[question.code] = draw.choice(accepted)
        if question.code == DANGER.code and not danger:
            answers[question.code] = "none"
    return answers


def sample_value(field: ReportField) -> Any:
    """A value that a report may hold for this field."""
    match field.kind:
        case FieldKind.BOOLEAN:
            return True
        case FieldKind.NUMBER:
            return 1234
        case FieldKind.DATE:
            return "2026-11-22"
        case FieldKind.CHOICE:
            return field.choices[0].code
        case FieldKind.TEXT | FieldKind.LONG_TEXT:
            return HOSTILE_TEXT


def sample_data(plugin: TradePlugin, document: DocumentSpec, type_code: str, report: Mapping[str, Any]) -> DocumentData:
    """The JSON of docs/hooks.md for an imaginary case with this report."""
    lines = printed_fields(plugin.report.fields(type_code), report)
    kind = plugin.types_by_code[type_code]
    return DocumentData(
        document={"code": document.code, "label": document.label},
        case={"number": "2026-000123"},
        cooperative={
            "name": "Coopérative artisanale de l’Eure",
            "address": ["1 place du Général-de-Gaulle", "27000 Évreux"],
            "siret": "552 100 554 00013",
            "phone": "02 32 00 00 00",
        },
        member={
            "name": "Plomberie Martin & fils",
            "address": ["4 rue de la République", "27500 Pont-Audemer"],
            "siret": "552 100 554 00021",
            "insurance": "Décennale : Assureur Exemple, contrat n° 123, France métropolitaine",
        },
        technician="Camille Martin",
        customer={"name": "Madame Lefèvre", "address": ["12 rue des Carmes", "27500 Pont-Audemer"]},
        site={"address": ["12 rue des Carmes", "27500 Pont-Audemer"], "commune": "Pont-Audemer"},
        trade=plugin.trade.label,
        type={"code": kind.code, "label": kind.label},
        report={line["code"]: line["value"] for line in lines},
        fields=lines,
        dates={
            "opened": "22 novembre 2026 à 3 h 12",
            "arrived": "22 novembre 2026 à 4 h 02",
            "safe": "22 novembre 2026 à 4 h 20",
            "done": "22 novembre 2026 à 5 h 05",
            "issued": "22 novembre 2026",
        },
        invoice_number="FA-2026-00042",
        photo_count=4,
    )


# -------------------------------------------------------------------------------------------------------------- words


def _french(where: str, text: str) -> Iterator[str]:
    if not text.strip():
        yield f"{where} : texte vide"
    elif text != text.strip():
        yield f"{where} : espace au début ou à la fin de « {text} »"
    elif "_" in text or "'" in text:
        yield f"{where} : « {text} » (ni souligné, ni apostrophe droite : écrire ’)"


def _identity(plugin: TradePlugin) -> Iterator[str]:
    trade = plugin.trade
    yield from _french("libellé du métier", trade.label)
    yield from _french("mots dits au téléphone", trade.spoken)
    if len(trade.spoken) > MAX_SPOKEN or any(mark in trade.spoken for mark in ".,;:!?") or not trade.spoken.islower():
        yield f"mots dits au téléphone : « {trade.spoken} » ne complète pas « Pour …, tapez 1 »"
    if not trade.icon:
        yield "icône du métier : vide"


def _types(plugin: TradePlugin) -> Iterator[str]:
    for kind in plugin.types:
        yield from _french(f"type {kind.code}", kind.label)
        if not (kind.code.isascii() and kind.code.isidentifier() and kind.code.isupper()):
            yield f"type {kind.code} : code en majuscules ASCII attendu"
        if kind.expected_minutes <= 0:
            yield f"type {kind.code} : durée habituelle de {kind.expected_minutes} minutes"
        for tool in kind.tool_kit:
            yield from _french(f"outillage de {kind.code}", tool)


# ------------------------------------------------------------------------------------------------------------- triage


def _questions(plugin: TradePlugin) -> Iterator[str]:
    seen: dict[str, Question] = {}
    if not plugin.triage.questions or plugin.triage.questions[0].code != DANGER.code:
        yield "la première question doit être celle du danger (maillage_hooks.safety.DANGER)"
    for question in plugin.triage.questions:
        where = f"question {question.code}"
        yield from _french(where, question.handler_text)
        yield from _french(where, question.public_text)
        codes = [choice.code for choice in question.choices]
        if len(set(codes)) != len(codes):
            yield f"{where} : réponses en double"
        if (question.kind is QuestionKind.CHOICE) != bool(codes):
            yield f"{where} : des réponses sont attendues pour un choix, et pour un choix seulement"
        for choice in question.choices:
            yield from _french(f"{where}, réponse {choice.code}", choice.label)
        if question.only_if is not None:
            parent, accepted = question.only_if
            known = {choice.code for choice in questions.choices_of(seen[parent])} if parent in seen else set()
            if not accepted or accepted - known:
                yield f"{where} : dépend de réponses inconnues de {parent} : {sorted(accepted - known)}"
        seen[question.code] = question


def _triage(plugin: TradePlugin) -> Iterator[str]:
    draw = random.Random(SEED)  # noqa: S311
    asked = plugin.triage.questions
    reached = set()
    for choice in questions.choices_of(asked[0]):
        answers = {asked[0].code: choice.code}
        result = plugin.triage.assess(answers)
        if choice.code != "none" and (result.priority is not Priority.P0 or result.redirect is None):
            yield f"danger « {choice.code} » : P0 et redirection attendues"
        yield from _result(plugin, answers, result)
    for number in range(SAMPLES):
        wild = number % 3 == 0
        answers = random_answers(asked, draw) if wild else complete_answers(asked, draw, danger=number % 3 == 1)
        try:
            result = plugin.triage.assess(answers)
        except Exception as exc:
            yield f"le triage échoue sur {answers} : {exc!r}"
            continue
        if result != plugin.triage.assess(answers):
            yield f"le triage répond deux choses différentes à {answers}"
        if not wild and result.missing:
            yield f"questions encore manquantes après réponse : {', '.join(result.missing)}"
        reached.add(result.type_code)
        yield from _result(plugin, answers, result)
    for code in plugin.types_by_code.keys() - reached:
        yield f"type {code} : aucune réponse n’y conduit"


def _result(plugin: TradePlugin, answers: Answers, result: TriageResult) -> Iterator[str]:
    if result.type_code not in plugin.types_by_code:
        yield f"le triage renvoie le type inconnu {result.type_code}"
    if not _is_a(result.priority, Priority):
        yield f"le triage renvoie la priorité inconnue {result.priority!r}"
    required = {question.code for question in questions.asked(plugin.triage.questions, answers) if question.required}
    if set(result.missing) - required:
        yield f"questions manquantes qui ne sont pas posées : {sorted(set(result.missing) - required)}"
    for script in result.safety:
        yield from _script(script)
    if result.redirect is not None:
        yield from _redirect(result, result.redirect)
    elif result.priority is Priority.P0:
        yield f"type {result.type_code} en P0 sans redirection"


def _redirect(result: TriageResult, redirect: Redirect) -> Iterator[str]:
    where = f"redirection {redirect.code}"
    yield from _french(where, redirect.label)
    yield from _script(redirect.script)
    if redirect.script not in result.safety:
        yield f"{where} : ses consignes ne sont pas lues"
    if redirect.blocks_dispatch and result.missing:
        yield f"{where} : elle retient l’appelant par des questions"
    if result.priority is Priority.P0 and not (redirect.blocks_dispatch and redirect.phone_numbers):
        yield f"{where} : un P0 ne se dépanne pas et donne un numéro à appeler"


def _script(script: SafetyScript) -> Iterator[str]:
    where = f"consignes {script.code}"
    yield from _french(where, script.title)
    if not 1 <= len(script.lines) <= MAX_SCRIPT_LINES:
        yield f"{where} : de 1 à {MAX_SCRIPT_LINES} lignes"
    for line in script.lines:
        yield from _french(where, line)
        if len(line) > MAX_SCRIPT_LINE:
            yield f"{where} : ligne de plus de {MAX_SCRIPT_LINE} caractères : « {line} »"


# ------------------------------------------------------------------------------------------------------------- delays


def _sla(plugin: TradePlugin) -> Iterator[str]:
    bands = [frozenset(some) for size in range(1, 6) for some in itertools.combinations(TimeBand, size)]
    plans = (
        None,
        PlanPromise("sans_delai", None, None, None),
        PlanPromise("rapide", 5, 45, 60),
        PlanPromise("lent", 60, 480, 600),
    )
    for kind, priority, band, place, plan in itertools.product(plugin.types, Priority, bands, Place, plans):
        request = SlaRequest(kind.code, priority, band, place, plan)
        targets = plugin.sla.targets(request)
        where = f"délais de {kind.code} {priority} {place} {plan.code if plan else 'sans formule'}"
        yield from _targets(where, request, targets)
        if targets != plugin.sla.targets(request):
            yield f"{where} : deux réponses différentes"


def _targets(where: str, request: SlaRequest, targets: SlaTargets) -> Iterator[str]:
    minutes = (targets.accept_minutes, targets.arrive_minutes, targets.safe_minutes)
    if any(value is not None and (type(value) is not int or value <= 0) for value in minutes):
        yield f"{where} : minutes entières et positives attendues"
        return
    if request.priority is Priority.P0 and (any(minutes) or targets.next_working_day):
        yield f"{where} : un P0 ne promet aucun délai"
    if request.priority in (Priority.P1, Priority.P2) and request.plan and request.plan.arrive_minutes_urban == 45:
        promised = 45 if request.place is Place.URBAN else 60
        if targets.arrive_minutes is None or targets.arrive_minutes > promised:
            yield f"{where} : la formule promet une arrivée en {promised} minutes"
    if targets.arrive_minutes and targets.safe_minutes and targets.safe_minutes < targets.arrive_minutes:
        yield f"{where} : mise en sécurité avant l’arrivée"


# ------------------------------------------------------------------------------------------------------------- prices


def _catalogue(plugin: TradePlugin) -> Iterator[str]:
    for item in plugin.pricing.catalogue:
        yield from _french(f"article {item.code}", item.label)
        yield from _french(f"unité de {item.code}", item.unit)
        if not _is_a(item.default_price, Money) or item.default_price <= Money.zero():
            yield f"article {item.code} : prix par défaut positif attendu"
    if not any(item.kind is LineKind.TRAVEL for item in plugin.pricing.catalogue):
        yield "catalogue : aucun déplacement (le barème doit l’annoncer, R2)"


def _prices(plugin: TradePlugin) -> Iterator[str]:
    draw = random.Random(SEED)  # noqa: S311
    items = {item.code: item for item in plugin.pricing.catalogue}
    tariff = TariffView({code: item.default_price + Money(1) for code, item in items.items()}, {TimeBand.NIGHT: 5000})
    parts = {code: Decimal("1.5") for code in items}
    for kind in plugin.types:
        for labour, fitted in ((None, {}), (0, {}), (1, {}), (61, {}), (600, parts), (30, {"x": Decimal(1)})):
            answers = random_answers(plugin.triage.questions, draw)
            request = PricingRequest(kind.code, answers, tariff, STARTS_AT, labour, fitted)
            try:
                lines = plugin.pricing.lines(request)
            except LookupError:
                if not set(fitted) - items.keys():
                    yield f"prix de {kind.code} : article du catalogue introuvable"
                continue
            for line in lines:
                yield from _line(kind.code, line, items.get(line.item_code), tariff)
            if labour == 0 and any(line.emergency_ground for line in lines):
                yield f"prix de {kind.code} : un déplacement seul n’a pas de motif d’urgence (R32)"
            bare = PricingRequest(kind.code, answers, TariffView({}, {}), STARTS_AT, labour, fitted)
            yield from _bare_tariff(plugin, bare, expected=bool(lines))


def _bare_tariff(plugin: TradePlugin, request: PricingRequest, *, expected: bool) -> Iterator[str]:
    try:
        plugin.pricing.lines(request)
    except LookupError:
        return
    if expected:
        yield f"prix de {request.type_code} : un article absent du barème doit lever LookupError"


def _line(type_code: str, line: LineDraft, item: CatalogueItem | None, tariff: TariffView) -> Iterator[str]:
    where = f"prix de {type_code}, ligne {line.item_code}"
    if item is None:
        yield f"{where} : absente du catalogue"
        return
    yield from _french(where, line.label)
    if not _is_a(line.quantity, Decimal) or line.quantity <= 0:
        yield f"{where} : quantité décimale positive attendue"
    if line.unit_price != tariff.prices[line.item_code]:
        yield f"{where} : le prix n’est pas celui du barème (la majoration appartient au cœur)"
    if (line.kind, line.unit, line.fossil_boiler) != (item.kind, item.unit, item.fossil_boiler):
        yield f"{where} : nature, unité ou chaudière fossile différentes du catalogue"
    if line.fossil_boiler and line.emergency_ground:
        yield f"{where} : une chaudière fossile n’a pas de motif d’urgence (R30)"


# ------------------------------------------------------------------------------------------------------------- report


def _report_fields(plugin: TradePlugin) -> Iterator[str]:
    if plugin.report.version < 1:
        yield "rapport : version à partir de 1"
    for kind in plugin.types:
        declared = tuple(plugin.report.fields(kind.code))
        if declared != kind.report_fields:
            yield f"rapport de {kind.code} : champs différents de ceux du type"
        if not any(field.required for field in declared):
            yield f"rapport de {kind.code} : aucun champ obligatoire (R84)"
        for field in declared:
            yield from _french(f"rapport de {kind.code}, champ {field.code}", field.label)
            if (field.kind is FieldKind.CHOICE) != bool(field.choices):
                yield f"rapport de {kind.code}, champ {field.code} : choix attendus pour un choix seulement"
            for choice in field.choices:
                yield from _french(f"rapport de {kind.code}, champ {field.code}", choice.label)


def _documents(plugin: TradePlugin) -> Iterator[str]:
    for document in plugin.report.documents:
        where = f"document {document.code}"
        yield from _french(where, document.label)
        if not document.type_codes or document.type_codes - plugin.types_by_code.keys():
            yield f"{where} : types d’intervention inconnus ou absents"
        printed: set[tuple[ReportField, ...]] = set()
        for type_code in sorted(document.type_codes & plugin.types_by_code.keys()):
            declared = tuple(plugin.report.fields(type_code))
            lacking = set(document.required_fields) - {field.code for field in declared}
            if lacking:
                yield f"{where} : champs absents du rapport de {type_code} : {sorted(lacking)}"
            if declared not in printed:
                printed.add(declared)
                full = {field.code: sample_value(field) for field in declared}
                yield from _prints(plugin, document, type_code, full)
                yield from _prints(plugin, document, type_code, {})


def _prints(plugin: TradePlugin, document: DocumentSpec, type_code: str, report: Mapping[str, Any]) -> Iterator[str]:
    try:
        pdf = render(document, sample_data(plugin, document, type_code, report))
    except Exception as exc:
        yield f"document {document.code} : ne s’imprime pas pour {type_code} : {exc}"
        return
    if not pdf.startswith(b"%PDF"):
        yield f"document {document.code} : ce n’est pas un PDF"


# -------------------------------------------------------------------------------------------------------------- money


def _no_float(plugin: TradePlugin) -> Iterator[str]:
    declared = (plugin.trade, plugin.types, plugin.triage.questions, plugin.pricing.catalogue, plugin.report.documents)
    for value in declared:
        if _holds_float(value):
            yield "un nombre à virgule flottante est déclaré : Money, Decimal ou int"


def _is_a(value: object, kind: type) -> bool:
    """What the types promise, asked of a plugin that no type checker has seen."""
    return isinstance(value, kind)


def _holds_float(value: object) -> bool:
    if isinstance(value, float):
        return True
    if is_dataclass(value) and not isinstance(value, type):
        return any(_holds_float(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(_holds_float, value))
    return False
