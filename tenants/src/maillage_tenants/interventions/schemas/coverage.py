"""What partners read of trades and coverage."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from maillage_hooks import TradePlugin
from maillage_hooks.questions import choices_of
from maillage_hooks.types import QuestionKind, TimeBand
from maillage_kit.rest.shapes import Cents, Code, Insee, Instant, Postcode, Sent, Shown, said
from maillage_tenants.interventions.service.covering import Answering, Covered
from maillage_tenants.interventions.service.pricing import price_key


class Choice(Shown):
    """Un code et son libellé. / A code and its label."""

    code: str
    label: str


class Question(Shown):
    """Une question du métier. `only_if` : posée après ces réponses seules. / Asked after these answers only."""

    code: str
    text: str
    kind: QuestionKind
    choices: list[Choice]
    required: bool
    only_if: Annotated[dict[str, list[str]], said("Question → réponses.", "Question → answers.", {"problem": ["leak"]})]


class TradeOut(Shown):
    """Un métier, ce qu’il répare, ce qu’il demande (R84, R85). / A trade, what it repairs, what it asks."""

    code: str
    label: str
    types: list[Choice]
    questions: list[Question]

    @classmethod
    def of(cls, plugin: TradePlugin) -> Self:
        return cls(
            code=plugin.trade.code,
            label=plugin.trade.label,
            types=[Choice(code=kind.code, label=kind.label) for kind in plugin.types],
            questions=[
                Question(
                    code=question.code,
                    text=question.public_text,
                    kind=question.kind,
                    choices=[Choice(code=choice.code, label=choice.label) for choice in choices_of(question)],
                    required=question.required,
                    only_if={question.only_if[0]: sorted(question.only_if[1])} if question.only_if else {},
                )
                for question in plugin.triage.questions
            ],
        )


class CoverageQuery(Sent):
    """La commune par son code INSEE, ou un code postal qui n’en couvre qu’une. / INSEE, or an unambiguous postcode."""

    trade: Code
    insee: Insee | None = None
    postcode: Postcode | None = None
    type: Annotated[Code | None, said("Un type d’intervention du métier.", "A type of the trade.", "VITRAGE_CASSE")] = (
        None
    )


class Price(Shown):
    """Un prix annoncé, TTC (R2). `reduced` : logement de plus de deux ans. / An announced price, VAT included."""

    code: str
    label: str
    unit: str
    reduced_cents: Cents
    normal_cents: Cents


class Announcement(Shown):
    """Le prix annoncé avant tout départ (R2). / The price announced before anybody leaves."""

    band: TimeBand
    surcharge_basis_points: int
    travel: list[Price]
    labour: list[Price]
    lump_sums: list[Price]
    time_counting: str
    quote_price_cents: Cents
    conditions: str
    key: Annotated[str, said("À rendre en `price_key` pour l’accepter.", "To give back as `price_key` to accept it.")]

    @classmethod
    def of(cls, announced: Mapping[str, Any]) -> Self:
        def prices(name: str) -> list[Price]:
            return [
                Price(
                    code=item["code"],
                    label=item["label"],
                    unit=item["unit"],
                    reduced_cents=item["gross_reduced"],
                    normal_cents=item["gross_normal"],
                )
                for item in announced[name]
            ]

        return cls(
            band=TimeBand(announced["band"]["code"]),
            surcharge_basis_points=announced["band"]["basis_points"],
            travel=prices("travel"),
            labour=prices("labour"),
            lump_sums=prices("lump_sums"),
            time_counting=announced["time_counting"],
            quote_price_cents=announced["quote"]["gross"],
            conditions=announced["conditions"],
            key=price_key(announced),
        )


class Coverage(Shown):
    """Servons-nous ce lieu, maintenant, en combien de temps, à quel prix ? / Served now, how fast, how much?"""

    served: bool
    insee: Annotated[str | None, said("Nul hors du territoire.", "Null outside the territory.", "27467")]
    commune: str | None
    trade: str
    type: str | None
    sector: str | None
    on_call: Annotated[
        Answering | None,
        said(
            "Qui répondrait : l’astreinte du secteur, celle d’un secteur voisin, la permanence.",
            "Who would answer: the sector's, a neighbour's, the office.",
        ),
    ]
    accept_minutes: Annotated[
        int | None, said("Promis pour la prise en charge (R88).", "Promised to accept (R88).", 10)
    ]
    arrive_minutes: Annotated[int | None, said("Promis pour l’arrivée (R88).", "Promised to arrive (R88).", 90)]
    next_working_day: bool
    price: Announcement | None
    asked_at: Instant

    @classmethod
    def of(cls, found: Covered) -> Self:
        return cls(
            served=found.sector is not None,
            insee=found.commune.insee if found.commune else None,
            commune=found.commune.name if found.commune else None,
            trade=found.trade,
            type=found.type.code if found.type else None,
            sector=found.sector.name if found.sector else None,
            on_call=found.answers,
            accept_minutes=found.targets.accept_minutes if found.targets else None,
            arrive_minutes=found.targets.arrive_minutes if found.targets else None,
            next_working_day=bool(found.targets and found.targets.next_working_day),
            price=Announcement.of(found.announced) if found.announced else None,
            asked_at=found.at,
        )
