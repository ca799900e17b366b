"""The VAT rate of a line and the reason for it (R30-R34). Pure: facts in, rate and reason out.

What is not known or not proved is taxed at the normal rate: the cooperative owes the difference if it was wrong (R33).
The rate of 5,5 % for energy works (R30) is outside emergency repair and is never proposed here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from maillage_hooks.types import EmergencyGround, LineKind
from maillage_kit.money import Money
from maillage_tenants.customers import PremisesUse

NORMAL = 2000
REDUCED = 1000
"""Rates in basis points."""


class VatReason(StrEnum):
    """Stored on each line: why this rate."""

    EMERGENCY_WATER_LEAK = "emergency_water_leak"
    EMERGENCY_BREAK_IN = "emergency_break_in"
    EMERGENCY_LOST_KEYS = "emergency_lost_keys"
    EMERGENCY_BROKEN_OPENING = "emergency_broken_opening"
    DWELLING_OVER_TWO_YEARS = "dwelling_over_two_years"
    DWELLING_NOT_CERTIFIED = "dwelling_not_certified"
    DWELLING_RECENT = "dwelling_recent"
    DWELLING_AGE_UNKNOWN = "dwelling_age_unknown"
    NOT_A_DWELLING = "not_a_dwelling"
    MIXED_USE = "mixed_use"
    PREMISES_UNKNOWN = "premises_unknown"
    FOSSIL_BOILER = "fossil_boiler"
    TRAVEL_ALONE = "travel_alone"


WORDING: Mapping[VatReason, str] = {
    VatReason.EMERGENCY_WATER_LEAK: "travaux d’urgence dans un logement, fuite d’eau",
    VatReason.EMERGENCY_BREAK_IN: "travaux d’urgence dans un logement, effraction",
    VatReason.EMERGENCY_LOST_KEYS: "travaux d’urgence dans un logement, perte de clés",
    VatReason.EMERGENCY_BROKEN_OPENING: "travaux d’urgence dans un logement, porte ou baie vitrée endommagée",
    VatReason.DWELLING_OVER_TWO_YEARS: "logement achevé depuis plus de deux ans, certifié par le client",
    VatReason.DWELLING_NOT_CERTIFIED: "taux normal, conditions du taux réduit non certifiées par le client",
    VatReason.DWELLING_RECENT: "taux normal, logement achevé depuis moins de deux ans",
    VatReason.DWELLING_AGE_UNKNOWN: "taux normal, âge du logement non déclaré",
    VatReason.NOT_A_DWELLING: "taux normal, local qui n’est pas un logement",
    VatReason.MIXED_USE: "taux normal, local à usage mixte sans part d’habitation justifiée",
    VatReason.PREMISES_UNKNOWN: "taux normal, usage du local non déclaré",
    VatReason.FOSSIL_BOILER: "taux normal, chaudière à énergie fossile",
    VatReason.TRAVEL_ALONE: "taux normal, déplacement ou diagnostic sans travaux",
}

_GROUNDS: Mapping[EmergencyGround, VatReason] = {
    EmergencyGround.WATER_LEAK: VatReason.EMERGENCY_WATER_LEAK,
    EmergencyGround.BREAK_IN: VatReason.EMERGENCY_BREAK_IN,
    EmergencyGround.LOST_KEYS: VatReason.EMERGENCY_LOST_KEYS,
    EmergencyGround.BROKEN_OPENING: VatReason.EMERGENCY_BROKEN_OPENING,
}
WORKS = frozenset({LineKind.LABOUR, LineKind.PART, LineKind.LUMP_SUM})


@dataclass(frozen=True, slots=True)
class Premises:
    """What the rate depends on. None: not declared. `certified`: the customer certifies R33 on the quote or note."""

    use: PremisesUse | None
    over_two_years: bool | None
    certified: bool


@dataclass(frozen=True, slots=True)
class TaxedItem:
    """One line, as far as VAT is concerned. `net` only weighs it against the others."""

    kind: LineKind
    net: Money
    emergency_ground: EmergencyGround | None = None
    fossil_boiler: bool = False


@dataclass(frozen=True, slots=True)
class VatDecision:
    basis_points: int
    reason: VatReason


def decide(premises: Premises, items: Sequence[TaxedItem]) -> list[VatDecision]:
    """The rate and reason of each line of one document, in order.

    - without any works, travel and diagnosis are at the normal rate (R32);
    - travel follows the main works it is part of, by amount excluding VAT (R32);
    - a fossil boiler, business premises, mixed or undeclared use: normal rate (R30, R34);
    - an emergency of the list, in a dwelling of any age: reduced, without certification (R31);
    - otherwise reduced only in a dwelling over two years old, certified (R30, R33).
    """
    works = [item for item in items if item.kind in WORKS]
    if not works:
        return [VatDecision(NORMAL, _premises_refusal(premises) or VatReason.TRAVEL_ALONE) for _ in items]
    main = max(works, key=lambda item: (item.net.cents, _own(premises, item).basis_points))
    return [_own(premises, main if item.kind is LineKind.TRAVEL else item) for item in items]


def needs_certification(reasons: Sequence[VatReason]) -> bool:
    """True when a line is at the reduced rate only because of the age of the dwelling (R33)."""
    return VatReason.DWELLING_OVER_TWO_YEARS in reasons


def certification_text(name: str, address: str) -> str:
    """R33, after the model of the trade body: what the customer certifies, on the quote or on the note."""
    return (
        f"Je certifie, {name}, que les conditions d’application du taux réduit de la TVA sont remplies : les travaux "
        f"sont effectués dans des locaux à usage d’habitation achevés depuis plus de deux ans, situés {address}, et "
        "ne concourent ni à la production d’un immeuble neuf ni à une augmentation de plus de 10 % de la surface."
    )


def _own(premises: Premises, item: TaxedItem) -> VatDecision:
    refusal = _premises_refusal(premises)
    if refusal is not None:
        return VatDecision(NORMAL, refusal)
    if item.fossil_boiler:
        return VatDecision(NORMAL, VatReason.FOSSIL_BOILER)
    if item.emergency_ground is not None:
        return VatDecision(REDUCED, _GROUNDS[item.emergency_ground])
    if premises.over_two_years is None:
        return VatDecision(NORMAL, VatReason.DWELLING_AGE_UNKNOWN)
    if not premises.over_two_years:
        return VatDecision(NORMAL, VatReason.DWELLING_RECENT)
    if not premises.certified:
        return VatDecision(NORMAL, VatReason.DWELLING_NOT_CERTIFIED)
    return VatDecision(REDUCED, VatReason.DWELLING_OVER_TWO_YEARS)


def _premises_refusal(premises: Premises) -> VatReason | None:
    match premises.use:
        case PremisesUse.DWELLING:
            return None
        case PremisesUse.BUSINESS:
            return VatReason.NOT_A_DWELLING
        case PremisesUse.MIXED:
            return VatReason.MIXED_USE
        case _:
            return VatReason.PREMISES_UNKNOWN
