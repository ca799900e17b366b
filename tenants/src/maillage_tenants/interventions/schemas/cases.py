"""What partners send to open a case, and what they read of theirs."""

from typing import Annotated, Self
from uuid import UUID

import msgspec

from maillage_hooks.types import Priority, Redirect
from maillage_kit.rest import PageQuery
from maillage_kit.rest.shapes import AskedInstant, Cents, Code, Instant, LongText, Sent, ShortText, Shown, said
from maillage_tenants.interventions.models import Attachment, HoldReason, InterventionEvent
from maillage_tenants.interventions.partner_queries import FollowedCase
from maillage_tenants.interventions.partner_words import PARTNER_KINDS, Status
from maillage_tenants.interventions.rules import Delay, DelayState
from maillage_tenants.interventions.schemas.coverage import Announcement

Answers = Annotated[
    dict[str, Annotated[str, msgspec.Meta(max_length=500)]],
    said(
        "Réponses aux questions du métier (GET …/trades), par code.",
        "Answers to the trade's questions (GET …/trades), by code.",
        {"danger": "none", "problem": "leak"},
        max_length=40,
    ),
]


class NewOccupant(Sent):
    """Qui ouvre la porte ; il diffère souvent de qui paie (R94). / Who opens the door, often not who pays."""

    name: Annotated[str, said("Son nom.", "Name.", "Monsieur Diallo", min_length=2, max_length=120)]
    phone: Annotated[str, said("Son numéro.", "Number.", "+33612345678", min_length=6, max_length=20)]


class NewRequest(Sent):
    """Une demande pour un logement : par `site_id`, ou par votre référence. / For a dwelling, by id or reference."""

    customer_id: Annotated[UUID, said("Un de vos clients.", "One of your customers.")]
    trade: Code
    answers: Answers
    occupant: NewOccupant
    site_id: UUID | None = None
    dwelling_reference: Annotated[
        ShortText | None, said("Votre référence du logement.", "Your reference of the dwelling.", "RES-12-A-304")
    ] = None
    words: Annotated[LongText, said("Le besoin, en clair.", "The need, in words.", "Vitre brisée au salon.")] = ""
    reference: Annotated[ShortText, said("Votre numéro de dossier.", "Your file number.", "DI-2027-0042")] = ""
    purchase_order: Annotated[ShortText, said("Votre bon de commande.", "Your purchase order.", "BC-9917")] = ""
    spending_limit_cents: (
        Annotated[
            int,
            said(
                "Plafond TTC ; au-delà vous décidez du devis.",
                "Limit with taxes; above it you decide on the quote.",
                30000,
                ge=0,
                le=100_000_000,
            ),
        ]
        | None
    ) = None
    price_key: Annotated[
        Annotated[str, msgspec.Meta(max_length=120)],
        said("La clé du prix lu dans …/coverage.", "The key of the price read in …/coverage."),
    ] = ""


class Cancellation(Sent):
    """Pourquoi personne ne doit plus venir. / Why nobody should come any more."""

    reason: Annotated[str, said("Pourquoi.", "Why.", "Le locataire a réparé.", min_length=3, max_length=300)]


class OccupantOut(Shown):
    """Qui ouvre la porte. / Who opens the door."""

    name: str
    phone: str | None


class Artisan(Shown):
    """Qui vient, et pour quelle entreprise. / Who comes, and of which business."""

    person: str
    business: str


class DelayOut(Shown):
    """Un délai promis et ce qu’il devient ; les pauses admises n’y comptent pas (R20). / A promise and its fate."""

    code: Annotated[str, said("accept, arrive ou safe.", "accept, arrive or safe.", "arrive")]
    due: Instant
    done_at: Instant | None
    state: DelayState

    @classmethod
    def of(cls, delay: Delay) -> Self:
        return cls(code=delay.code, due=delay.due_with_pauses, done_at=delay.done_at, state=delay.state)


class RedirectOut(Shown):
    """Personne n’est envoyé : d’autres doivent être appelés d’abord (R87). / Nobody is sent: call these first."""

    code: str
    label: str
    phone_numbers: list[str]
    instructions: list[str]

    @classmethod
    def of(cls, redirect: Redirect) -> Self:
        return cls(
            code=redirect.code,
            label=redirect.label,
            phone_numbers=list(redirect.phone_numbers),
            instructions=list(redirect.script.lines),
        )


class InterventionOut(Shown):
    """Un dossier, dans le vocabulaire des bailleurs. / A case, in the vocabulary of landlords."""

    id: UUID
    number: Annotated[str, said("Son numéro.", "Its number.", "I-2027-000042")]
    status: Status
    customer_id: UUID | None
    site_id: UUID | None
    address: str
    insee: str | None
    trade: str | None
    type: str | None
    priority: Priority | None
    words: str
    reference: str | None
    purchase_order: str | None
    spending_limit_cents: Cents | None
    occupant: OccupantOut | None
    artisan: Artisan | None
    hold_reason: HoldReason | None
    delays: list[DelayOut]
    clocks: Annotated[dict[str, Instant], said("T0 à T9 (R88).", "T0 to T9 (R88).", {"T0": "2027-03-01T08:00:00Z"})]
    requested_at: Instant
    closed_at: Instant | None
    follow_up_of: UUID | None

    @classmethod
    def of(cls, found: FollowedCase) -> Self:
        row, order = found.case, found.order
        return cls(
            id=row.id,
            number=row.number,
            status=Status(found.status),
            customer_id=row.customer_id,
            site_id=row.site_id,
            address=row.address,
            insee=row.insee,
            trade=row.trade,
            type=row.type_code,
            priority=Priority(row.priority) if row.priority else None,
            words=row.request_words,
            reference=order.reference if order else None,
            purchase_order=order.purchase_order if order else None,
            spending_limit_cents=order.spending_limit.cents if order and order.spending_limit else None,
            occupant=OccupantOut(name=order.occupant_name, phone=order.occupant_phone) if order else None,
            artisan=Artisan(person=found.artisan[0], business=found.artisan[1]) if found.artisan else None,
            hold_reason=found.hold_reason,
            delays=[DelayOut.of(delay) for delay in found.delays],
            clocks={str(clock): at for clock, at in sorted(found.clocks.items())},
            requested_at=row.requested_at,
            closed_at=row.closed_at,
            follow_up_of=row.follow_up_of,
        )


class Opened(Shown):
    """Le dossier ouvert ; `redirect` quand des secours doivent être appelés. / The case; who to call if danger."""

    intervention: InterventionOut
    redirect: RedirectOut | None
    price: Announcement | None
    tracking_url: Annotated[str, said("La page de suivi de l’occupant.", "The occupant's tracking page.")]


class CaseQuery(PageQuery):
    """Filters of the list of cases."""

    status: Status | None = None
    customer_id: UUID | None = None
    site_id: UUID | None = None
    reference: Annotated[ShortText | None, said("Votre numéro de dossier.", "Your file number.", "DI-2027-0042")] = None
    since: AskedInstant | None = None
    until: AskedInstant | None = None


class TimelineEntry(Shown):
    """Une ligne de l’histoire du dossier. / A line of the case's story."""

    at: Instant
    code: str
    text: str

    @classmethod
    def of(cls, row: InterventionEvent) -> Self:
        return cls(at=row.at, code=PARTNER_KINDS[row.kind], text=row.text)


class FileOut(Shown):
    """Une photo ou un document ; son contenu est à …/content. / A photo or document; its bytes are at …/content."""

    id: UUID
    kind: str
    filename: str
    content_type: str
    size: int
    sha256: str
    created_at: Instant

    @classmethod
    def of(cls, row: Attachment) -> Self:
        return cls(
            id=row.id,
            kind=row.kind,
            filename=row.filename,
            content_type=row.content_type,
            size=row.size,
            sha256=row.sha256,
            created_at=row.created_at,
        )
