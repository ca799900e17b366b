"""What is typed of a customer, a place or a consent: checked and tidied, field by field."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from maillage_kit.crypto import FieldCipher
from maillage_kit.errors import Invalid
from maillage_kit.phone import parse_phone
from maillage_kit.registers import parse_siren
from maillage_tenants import territory
from maillage_tenants.customers import rules
from maillage_tenants.customers.errors import CommuneToChoose
from maillage_tenants.customers.models import ConsumerStatus, CustomerKind, PremisesUse

ACCESS_NOTES_MAX = 1000


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """What is known of a customer, as typed: checked and tidied when it is written."""

    kind: CustomerKind
    consumer_status: ConsumerStatus
    name: str
    billing_address: str
    billing_postcode: str
    billing_city: str
    contact_name: str = ""
    siren: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """A place served. `insee` may be empty when the postcode serves one commune only (R97).

    `over_two_years`: whether the dwelling was completed more than two years ago, None when not known (R30).
    `reference`: what the customer calls the place in its own books; None leaves it as it is, "" forgets it.
    """

    address: str
    postcode: str
    premises_use: PremisesUse
    insee: str = ""
    label: str = ""
    complement: str = ""
    over_two_years: bool | None = None
    occupant_name: str = ""
    occupant_phone: str = ""
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class PhoneConsent:
    """A consent to commercial calls and its proof (R23): where it was given, the words agreed to, what shows it."""

    source: str
    wording: str
    proof: str


@dataclass(frozen=True, slots=True)
class CustomerRef:
    id: UUID
    number: str


def customer_columns(facts: CustomerFacts) -> dict[str, str | None]:
    """The columns of a customer, checked and tidied. Raises Invalid field by field."""
    errors: dict[str, str] = {}
    if facts.consumer_status not in rules.CONSUMER_STATUSES[facts.kind]:
        errors["consumer_status"] = "Ce statut ne convient pas à ce type de client."
    if not facts.name.strip():
        errors["name"] = "Indiquez le nom."
    if not facts.billing_address.strip():
        errors["billing_address"] = "Indiquez l’adresse de facturation."
    if not _is_postcode(facts.billing_postcode):
        errors["billing_postcode"] = "Le code postal a 5 chiffres."
    if not facts.billing_city.strip():
        errors["billing_city"] = "Indiquez la ville."
    email = facts.email.strip()
    if email and not rules.looks_like_email(email):
        errors["email"] = "Cette adresse de courriel n’est pas valable."
    siren: str | None = None
    if facts.siren.strip():
        try:
            siren = parse_siren(facts.siren)
        except Invalid as exc:
            errors |= exc.fields
    if errors:
        raise Invalid(fields=errors)
    return {
        "kind": facts.kind,
        "consumer_status": facts.consumer_status,
        "name": " ".join(facts.name.split()),
        "contact_name": " ".join(facts.contact_name.split()),
        "siren": siren,
        "email": email or None,
        "billing_address": facts.billing_address.strip(),
        "billing_postcode": facts.billing_postcode.strip(),
        "billing_city": facts.billing_city.strip(),
    }


def site_columns(facts: SiteFacts, *, served: Sequence[territory.CommuneRow]) -> dict[str, str | bool | None]:
    """The columns of a place, checked and tidied. `served`: the communes of its postcode. Raises Invalid or
    CommuneToChoose."""
    errors: dict[str, str] = {}
    if not facts.address.strip():
        errors["address"] = "Indiquez l’adresse."
    phone: str | None = None
    if facts.occupant_phone.strip():
        try:
            phone = parse_phone(facts.occupant_phone, field="occupant_phone")
        except Invalid as exc:
            errors |= exc.fields
    insee = ""
    if not _is_postcode(facts.postcode):
        errors["postcode"] = "Le code postal a 5 chiffres."
    elif not served:
        errors["postcode"] = "Ce code postal n’est pas dans le territoire de la coopérative."
    elif facts.insee:
        insee = next((commune.insee for commune in served if commune.insee == facts.insee), "")
        if not insee:
            errors["insee"] = "Cette commune n’a pas ce code postal."
    elif len(served) == 1:
        insee = served[0].insee
    elif not errors:
        raise CommuneToChoose(fields={"insee": f"Le code postal {facts.postcode} couvre {len(served)} communes."})
    else:
        errors["insee"] = "Choisissez la commune."
    if errors:
        raise Invalid(fields=errors)
    return {
        "label": facts.label.strip(),
        "address": facts.address.strip(),
        "complement": facts.complement.strip(),
        "insee": insee,
        "postcode": facts.postcode.strip(),
        "premises_use": facts.premises_use,
        "over_two_years": facts.over_two_years,
        "occupant_name": " ".join(facts.occupant_name.split()),
        "occupant_phone": phone,
        **({} if facts.reference is None else {"reference": " ".join(facts.reference.split()) or None}),
    }


def communes_by_postcode(communes: Iterable[territory.Commune]) -> dict[str, list[territory.CommuneRow]]:
    """What `site_columns` calls served, for every postcode at once."""
    found: dict[str, list[territory.CommuneRow]] = {}
    for commune in communes:
        row = territory.CommuneRow(commune.insee, commune.name, commune.population, commune.postcodes)
        for postcode in commune.postcodes:
            found.setdefault(postcode, []).append(row)
    return found


def sealed(notes: str, cipher: FieldCipher) -> bytes | None:
    if len(notes) > ACCESS_NOTES_MAX:
        raise Invalid(fields={"access_notes": f"{ACCESS_NOTES_MAX} caractères au plus."})
    return cipher.encrypt(notes.strip()) if notes.strip() else None


def _is_postcode(text: str) -> bool:
    return len(text.strip()) == 5 and text.strip().isdecimal()
