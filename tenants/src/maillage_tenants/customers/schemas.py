"""Customers and the places served, as machines read and write them. Access notes are written, never read (R72)."""

from typing import Annotated, Self
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from maillage_kit.rest import PageQuery
from maillage_kit.rest.shapes import Insee, Instant, LongText, Postcode, Sent, ShortText, Shown, said
from maillage_tenants.customers.models import ConsumerStatus, CustomerKind, PremisesUse
from maillage_tenants.customers.queries import CustomerCard, CustomerRow, SiteCard
from maillage_tenants.customers.service import (
    CustomerFacts,
    Dwelling,
    RowOutcome,
    RowReport,
    SiteFacts,
)

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Phone = Annotated[str, said("Numéro de téléphone.", "Phone number.", "+33612345678", max_length=20)]
Reference = Annotated[str, said("Votre référence.", "Your reference.", "RES-12-A-304", max_length=80)]
Completed = Annotated[
    bool | None,
    said("Achevé depuis plus de deux ans (R30) ; nul : inconnu.", "Completed over two years ago; null: unknown.", True),
]
Notes = Annotated[
    LongText, said("Codes, clés… Chiffré, jamais relu par l’API (R72).", "Door codes… Encrypted, never read back.")
]


class CustomerQuery(PageQuery):
    q: (
        Annotated[
            str, said("Débuts de mots : nom, lieu, numéro.", "Beginnings of words: name, place, number.", max_length=80)
        ]
        | None
    ) = None


class CustomerSummary(Shown):
    """Une ligne de la liste. / A line of the list."""

    id: UUID
    number: str
    kind: CustomerKind
    name: str
    contact_name: str
    city: str
    phone: str | None
    sites: int

    @classmethod
    def of(cls, row: CustomerRow) -> Self:
        return cls(
            id=row.id,
            number=row.number,
            kind=row.kind,
            name=row.name,
            contact_name=row.contact_name,
            city=row.city,
            phone=row.phone,
            sites=row.sites,
        )


class CustomerOut(Shown):
    """Un client : qui paie. / A customer: who pays."""

    id: UUID
    number: Annotated[str, said("Son numéro.", "Its number.", "C-2027-000012")]
    kind: CustomerKind
    consumer_status: ConsumerStatus
    name: str
    contact_name: str
    siren: str | None
    email: str | None
    billing_address: str
    billing_postcode: str
    billing_city: str
    phones: list[str]
    created_at: Instant

    @classmethod
    def of(cls, card: CustomerCard) -> Self:
        return cls(
            id=card.id,
            number=card.number,
            kind=card.kind,
            consumer_status=card.consumer_status,
            name=card.name,
            contact_name=card.contact_name,
            siren=card.siren,
            email=card.email,
            billing_address=card.billing_address,
            billing_postcode=card.billing_postcode,
            billing_city=card.billing_city,
            phones=[phone.phone for phone in card.phones if phone.site_id is None],
            created_at=card.created_at,
        )


class NewCustomer(Sent):
    """Un client à inscrire ; il vous reste visible. / A customer to register; it stays visible to you."""

    kind: CustomerKind
    consumer_status: ConsumerStatus
    name: Name
    billing_address: Name
    billing_postcode: Postcode
    billing_city: Name
    contact_name: ShortText = ""
    siren: Annotated[str, msgspec.Meta(max_length=20)] = ""
    email: Annotated[str, msgspec.Meta(max_length=254)] = ""
    phones: Annotated[list[Phone], msgspec.Meta(max_length=10)] = msgspec.field(default_factory=list)

    @property
    def facts(self) -> CustomerFacts:
        return CustomerFacts(
            kind=self.kind,
            consumer_status=self.consumer_status,
            name=self.name,
            billing_address=self.billing_address,
            billing_postcode=self.billing_postcode,
            billing_city=self.billing_city,
            contact_name=self.contact_name,
            siren=self.siren,
            email=self.email,
        )


class CustomerChange(Sent):
    """Ce qui change ; le reste demeure. / What changes; the rest stays."""

    kind: CustomerKind | UnsetType = UNSET
    consumer_status: ConsumerStatus | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    contact_name: ShortText | UnsetType = UNSET
    siren: Annotated[str, msgspec.Meta(max_length=20)] | UnsetType = UNSET
    email: Annotated[str, msgspec.Meta(max_length=254)] | UnsetType = UNSET
    billing_address: Name | UnsetType = UNSET
    billing_postcode: Postcode | UnsetType = UNSET
    billing_city: Name | UnsetType = UNSET

    def over(self, card: CustomerOut) -> CustomerFacts:
        before = NewCustomer(
            kind=card.kind,
            consumer_status=card.consumer_status,
            name=card.name,
            contact_name=card.contact_name,
            siren=card.siren or "",
            email=card.email or "",
            billing_address=card.billing_address,
            billing_postcode=card.billing_postcode,
            billing_city=card.billing_city,
        )
        return msgspec.structs.replace(before, **_given(self)).facts


class SiteQuery(PageQuery):
    reference: Reference | None = None


class SiteOut(Shown):
    """Un lieu servi : un logement, un local. / A place served: a dwelling, premises."""

    id: UUID
    customer_id: UUID
    reference: str | None
    label: str
    address: str
    complement: str
    postcode: str
    insee: str
    commune: str
    premises_use: PremisesUse
    over_two_years: bool | None
    occupant_name: str
    occupant_phone: str | None
    has_access_notes: bool

    @classmethod
    def of(cls, card: SiteCard) -> Self:
        return cls(
            id=card.site_id,
            customer_id=card.customer_id,
            reference=card.reference,
            label=card.label,
            address=card.address,
            complement=card.complement,
            postcode=card.postcode,
            insee=card.insee,
            commune=card.commune,
            premises_use=card.premises_use,
            over_two_years=card.over_two_years,
            occupant_name=card.occupant_name,
            occupant_phone=card.occupant_phone,
            has_access_notes=card.has_access_notes,
        )


class NewSite(Sent):
    """Un lieu à servir. `insee` est utile quand le code postal couvre plusieurs communes (R97). / A place to serve."""

    address: Name
    postcode: Postcode
    premises_use: PremisesUse
    insee: Insee | None = None
    reference: Reference = ""
    label: ShortText = ""
    complement: ShortText = ""
    over_two_years: Completed = None
    occupant_name: ShortText = ""
    occupant_phone: Phone = ""
    access_notes: Notes = ""

    @property
    def facts(self) -> SiteFacts:
        return SiteFacts(
            address=self.address,
            postcode=self.postcode,
            premises_use=self.premises_use,
            insee=self.insee or "",
            label=self.label,
            complement=self.complement,
            over_two_years=self.over_two_years,
            occupant_name=self.occupant_name,
            occupant_phone=self.occupant_phone,
            reference=self.reference,
        )


class SiteChange(Sent):
    """Ce qui change ; le reste demeure. / What changes; the rest stays."""

    address: Name | UnsetType = UNSET
    postcode: Postcode | UnsetType = UNSET
    insee: Insee | UnsetType = UNSET
    premises_use: PremisesUse | UnsetType = UNSET
    reference: Reference | UnsetType = UNSET
    label: ShortText | UnsetType = UNSET
    complement: ShortText | UnsetType = UNSET
    over_two_years: Completed | UnsetType = UNSET
    occupant_name: ShortText | UnsetType = UNSET
    occupant_phone: Phone | UnsetType = UNSET

    def over(self, card: SiteOut) -> SiteFacts:
        """A new postcode without INSEE code asks again which commune it is."""
        moved = self.postcode is not UNSET and self.postcode != card.postcode
        before = NewSite(
            address=card.address,
            postcode=card.postcode,
            insee=None if moved else card.insee,
            premises_use=card.premises_use,
            reference=card.reference or "",
            label=card.label,
            complement=card.complement,
            over_two_years=card.over_two_years,
            occupant_name=card.occupant_name,
            occupant_phone=card.occupant_phone or "",
        )
        return msgspec.structs.replace(before, **_given(self)).facts


class DwellingImport(Sent):
    """Des logements à inscrire ou corriger, reconnus à votre référence. / Dwellings, known by your reference."""

    rows: Annotated[list[NewSite], msgspec.Meta(min_length=1, max_length=2000)]
    dry_run: Annotated[bool, said("Rapport seul, rien n’est écrit.", "Report only, nothing is written.", False)] = False

    @property
    def dwellings(self) -> list[Dwelling]:
        return [Dwelling(row.facts, row.access_notes) for row in self.rows]


class ImportedRow(Shown):
    """Ce qu’est devenue une ligne, comptée de 1. / What became of a row, counted from 1."""

    row: int
    reference: str
    outcome: RowOutcome
    site_id: UUID | None
    errors: Annotated[dict[str, str], said("Champ → pourquoi.", "Field → why.", {"postcode": "…"})]


class ImportReport(Shown):
    """Le rapport de l’import, ligne par ligne. / The report of the import, row by row."""

    created: int
    updated: int
    unchanged: int
    invalid: int
    dry_run: bool
    rows: list[ImportedRow]

    @classmethod
    def of(cls, reports: tuple[RowReport, ...], *, dry_run: bool) -> Self:
        def count(outcome: RowOutcome) -> int:
            return sum(report.outcome is outcome for report in reports)

        return cls(
            created=count(RowOutcome.CREATED),
            updated=count(RowOutcome.UPDATED),
            unchanged=count(RowOutcome.UNCHANGED),
            invalid=count(RowOutcome.INVALID),
            dry_run=dry_run,
            rows=[
                ImportedRow(
                    row=report.row,
                    reference=report.reference,
                    outcome=report.outcome,
                    site_id=None if dry_run and report.outcome is RowOutcome.CREATED else report.site_id,
                    errors=dict(report.errors),
                )
                for report in reports
            ],
        )


def _given(change: msgspec.Struct) -> dict[str, object]:
    """The fields that were sent."""
    return {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
