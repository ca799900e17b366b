"""Who appears on a document: frozen copies, made once when it is issued, so that a later change never rewrites it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from maillage_kit.context import CooperativeContext
from maillage_kit.phone import show_phone
from maillage_tenants.customers import ConsumerStatus


@dataclass(frozen=True, slots=True)
class InsuranceFacts:
    """One proof of insurance of the member who performs, in force that day (R8)."""

    label: str
    issuer: str
    issuer_contact: str
    reference: str
    coverage: str
    valid_to: date


@dataclass(frozen=True, slots=True)
class PerformerFacts:
    name: str
    legal_form: str
    siret: str
    address: str
    postcode: str
    city: str
    insurances: Sequence[InsuranceFacts]


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """Who is billed. For an unknown caller, the name and address given by phone; a consumer until proved otherwise."""

    name: str
    status: ConsumerStatus
    siren: str | None
    email: str | None
    address: Sequence[str]


@dataclass(frozen=True, slots=True)
class SiteFacts:
    address: str
    commune: str


def french_vat_number(siren: str) -> str:
    """The intra-Community VAT number of a French company: `FR` + key + SIREN."""
    return f"FR{(12 + 3 * (int(siren) % 97)) % 97:02d}{siren}"


def cooperative_party(cooperative: CooperativeContext) -> dict[str, Any]:
    """The seller (R37, mode a): legal form « à capital variable » (R39), SIREN, VAT number, number of the service."""
    return {
        "name": cooperative.legal_name,
        "trade_name": cooperative.name,
        "legal_form": cooperative.legal_form,
        "siren": cooperative.siren,
        "vat_number": french_vat_number(cooperative.siren),
        "address": split_address(cooperative.address),
        "email": cooperative.email,
        "phone": cooperative.public_number,
        "mediator": cooperative.mediator_name,
        "mediator_contact": cooperative.mediator_contact,
    }


def performer_party(performer: PerformerFacts) -> dict[str, Any]:
    return {
        "name": performer.name,
        "legal_form": performer.legal_form,
        "siret": performer.siret,
        "address": [performer.address, f"{performer.postcode} {performer.city}"],
        "insurance": [insurance_text(insurance) for insurance in performer.insurances],
    }


def customer_party(customer: CustomerFacts) -> dict[str, Any]:
    return {
        "name": customer.name,
        "status": customer.status.value,
        "siren": customer.siren or "",
        "email": customer.email or "",
        "address": [line for line in customer.address if line.strip()],
    }


def insurance_text(insurance: InsuranceFacts) -> str:
    """R8: insurer and its contact, policy, area, end."""
    parts = (
        f"{insurance.label} : {insurance.issuer}, {insurance.issuer_contact}",
        f"contrat {insurance.reference}",
        f"couverture {insurance.coverage}",
        f"jusqu’au {insurance.valid_to:%d/%m/%Y}",
    )
    return ", ".join(parts)


def split_address(address: str) -> list[str]:
    """`12 rue de la Harpe, 27000 Évreux` on two lines."""
    return [part.strip() for part in re.split(r"[\n,](?=\s*\d{5}\b)|\n", address) if part.strip()]


def grouped(number: str) -> str:
    """`732 829 320`, `732 829 320 00014`: a SIREN or SIRET as people read it."""
    digits = number.replace(" ", "")
    return " ".join(part for part in (digits[:3], digits[3:6], digits[6:9], digits[9:]) if part)


def seller_lines(party: dict[str, Any]) -> list[str]:
    return [
        party["name"],
        party["legal_form"],
        ", ".join(party["address"]),
        f"SIREN {grouped(party['siren'])}, TVA {party['vat_number']}",
        f"Téléphone {show_phone(party['phone'])}",
        party["email"],
    ]


def performer_lines(party: dict[str, Any]) -> list[str]:
    return [party["name"], party["legal_form"], *party["address"], f"SIRET {grouped(party['siret'])}"]


def customer_lines(party: dict[str, Any]) -> list[str]:
    siren = [f"SIREN {grouped(party['siren'])}"] if party["siren"] else []
    return [party["name"], *party["address"], *siren]


def footer_lines(party: dict[str, Any]) -> list[str]:
    """What every page repeats: who, and the number of the service (R22)."""
    return [
        f"{party['name']}, {party['legal_form']}, {', '.join(party['address'])}, SIREN {grouped(party['siren'])}",
        f"Numéro du service, non surtaxé : {show_phone(party['phone'])}",
    ]
