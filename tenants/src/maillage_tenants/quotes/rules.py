"""Quotes without database and without clock: lines, totals, mentions, deadlines, signatures."""

import base64
import binascii
import hashlib
import hmac
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from maillage_hooks.bands import public_holiday
from maillage_hooks.types import LineDraft, LineKind, TimeBand, UrgencyScope
from maillage_kit.clock import paris, paris_instant
from maillage_kit.money import Money
from maillage_tenants.customers import ConsumerStatus
from maillage_tenants.quotes import vat
from maillage_tenants.quotes.errors import SignatureUnreadable
from maillage_tenants.quotes.models import QuoteKind
from maillage_tenants.quotes.vat import Premises, VatReason
from maillage_tenants.subscriptions import ContractChannel
from maillage_tenants.tariffs import BAND_LABELS, percent_text

# --------------------------------------------------------------------------------------------------------------- money


@dataclass(frozen=True, slots=True)
class PricedLine:
    """One line. `unit_price` excludes VAT and includes the surcharge; `net` is quantity × unit price, to the cent."""

    item_code: str
    label: str
    kind: LineKind
    scope: UrgencyScope
    quantity: Decimal
    unit: str
    unit_price: Money
    net: Money
    vat_basis_points: int
    vat_reason: VatReason


@dataclass(frozen=True, slots=True)
class VatPart:
    """One rate of a document: `amount` is the rate on the summed net, rounded once (EN 16931, BR-CO-17)."""

    basis_points: int
    base: Money
    amount: Money


@dataclass(frozen=True, slots=True)
class Totals:
    net: Money
    parts: tuple[VatPart, ...]
    vat: Money
    gross: Money


def totals(lines: Iterable[tuple[Money, int]]) -> Totals:
    """Totals of (net, rate in basis points) pairs: VAT per rate on the summed net, never by line (docs/money.md)."""
    bases: dict[int, Money] = {}
    for net, basis_points in lines:
        bases[basis_points] = bases.get(basis_points, Money.zero()) + net
    parts = tuple(VatPart(rate, bases[rate], bases[rate].percent(rate)) for rate in sorted(bases))
    net = Money.sum(part.base for part in parts)
    tax = Money.sum(part.amount for part in parts)
    return Totals(net=net, parts=parts, vat=tax, gross=net + tax)


def line_totals(lines: Iterable[PricedLine]) -> Totals:
    return totals((line.net, line.vat_basis_points) for line in lines)


def price_lines(drafts: Sequence[LineDraft], *, surcharge_basis_points: int, premises: Premises) -> list[PricedLine]:
    """The lines of one document: the surcharge on the lines that bear it (R89), then VAT line by line (R30-R34).

    The surcharged unit price is rounded to the cent first: it is the price the customer reads.
    """
    priced = []
    for draft in drafts:
        unit = draft.unit_price.percent(10_000 + surcharge_basis_points) if draft.surcharged else draft.unit_price
        priced.append((draft, unit, unit.times(draft.quantity)))
    decisions = vat.decide(
        premises,
        [vat.TaxedItem(draft.kind, net, draft.emergency_ground, draft.fossil_boiler) for draft, _, net in priced],
    )
    return [
        PricedLine(
            item_code=draft.item_code,
            label=draft.label,
            kind=draft.kind,
            scope=draft.scope,
            quantity=draft.quantity,
            unit=draft.unit,
            unit_price=unit,
            net=net,
            vat_basis_points=decision.basis_points,
            vat_reason=decision.reason,
        )
        for (draft, unit, net), decision in zip(priced, decisions, strict=True)
    ]


def has_works(lines: Iterable[PricedLine]) -> bool:
    """False when nothing was done: travel or diagnosis alone (R32)."""
    return any(line.kind in vat.WORKS for line in lines)


# ----------------------------------------------------------------------------------------------------------- deadlines

EMERGENCY_VALIDITY = timedelta(hours=24)
COMPLEMENTARY_VALIDITY = timedelta(days=30)
WITHDRAWAL_DAYS = 14
EMBARGO_DAYS = 7
PROTECTED = frozenset({ConsumerStatus.CONSUMER, ConsumerStatus.NON_PROFESSIONAL, ConsumerStatus.SMALL_PROFESSIONAL})


def scope_of(kind: QuoteKind) -> UrgencyScope:
    return UrgencyScope.STRICTLY_NECESSARY if kind is QuoteKind.EMERGENCY else UrgencyScope.COMPLEMENTARY


def may_withdraw(*, scope: UrgencyScope, channel: ContractChannel, status: ConsumerStatus) -> bool:
    """Withdrawal exists for what is not strictly necessary to the emergency, away from premises (R11, R12, R15)."""
    return (
        scope is UrgencyScope.COMPLEMENTARY
        and channel is not ContractChannel.IN_PREMISES
        and status in PROTECTED
        and not (status is ConsumerStatus.SMALL_PROFESSIONAL and channel is not ContractChannel.OFF_PREMISES)
    )


def withdrawal_deadline(signed_at: datetime, department: str = "") -> datetime:
    """The end of the right to withdraw, excluded: midnight in Paris after the last day (R12).

    Fourteen days, the day of signature not counted; a last day on a Saturday, Sunday or holiday moves to the next
    working day.
    """
    return paris_instant(withdrawal_last_day(signed_at, department) + timedelta(days=1))


def withdrawal_last_day(signed_at: datetime, department: str = "") -> date:
    day = paris(signed_at).date() + timedelta(days=WITHDRAWAL_DAYS)
    while day.weekday() >= 5 or public_holiday(day, department):
        day += timedelta(days=1)
    return day


def payment_allowed_from(signed_at: datetime, channel: ContractChannel) -> datetime:
    """The first instant when money may be taken for complementary works: seven full days later off premises (R16)."""
    if channel is not ContractChannel.OFF_PREMISES:
        return signed_at
    return paris_instant(paris(signed_at).date() + timedelta(days=EMBARGO_DAYS + 1))


# ------------------------------------------------------------------------------------------------------------ mentions


@dataclass(frozen=True, slots=True)
class MentionFacts:
    """What R4, R8, R21 and R22 require on a quote, as found when it is to be sent."""

    company: str
    company_address: str
    siren: str
    phone: str
    mediator: str
    mediator_contact: str
    performer: str
    insurance: Sequence[str]
    customer: str
    place: str
    nature: str
    execution: str
    lines: Sequence[PricedLine]
    emergency: bool


def missing_mentions(facts: MentionFacts) -> dict[str, str]:
    """What a quote still lacks to be sent, by code, in French; empty when it is complete (R4)."""
    required: tuple[tuple[str, object, str], ...] = (
        ("company", facts.company.strip(), "le nom de l’entreprise"),
        ("company_address", facts.company_address.strip(), "l’adresse de l’entreprise"),
        ("siren", facts.siren.strip(), "le numéro SIREN"),
        ("phone", facts.phone.strip(), "le numéro de téléphone du service"),
        ("mediator", facts.mediator.strip() and facts.mediator_contact.strip(), "le médiateur et son adresse"),
        ("performer", facts.performer.strip(), "l’artisan qui intervient"),
        ("insurance", facts.insurance, "l’assurance professionnelle en cours de validité de l’artisan"),
        ("customer", facts.customer.strip(), "le nom du client"),
        ("place", facts.place.strip(), "le lieu d’exécution"),
        ("nature", facts.nature.strip(), "la nature exacte des réparations"),
        ("execution", facts.execution.strip(), "la date ou le délai d’exécution"),
        ("lines", facts.lines, "le décompte détaillé"),
        (
            "travel",
            not facts.emergency or any(line.kind is LineKind.TRAVEL for line in facts.lines),
            "les frais de déplacement",
        ),
    )
    return {code: wording for code, present, wording in required if not present}


def surcharge_note(band: TimeBand, basis_points: int) -> str:
    """How the surcharge is told on the document; "" when there is none."""
    if not basis_points:
        return ""
    return f"Majoration de {percent_text(basis_points)} comprise ({BAND_LABELS[band]})"


# ---------------------------------------------------------------------------------------------------------- signatures

CODE_LIFE = timedelta(minutes=10)
CODE_ATTEMPTS = 5
CODE_EVERY = timedelta(seconds=60)
CODES_AN_HOUR = 5
_PNG_PREFIX = "data:image/png;base64,"
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_MAX_SIGNATURE_BYTES = 300_000
_MAX_SIDE = 3000
_MAX_RAW = 40_000_000


def code_hash(code_id: UUID, code: str) -> str:
    """What is stored of a signing code: slow to try out, bound to its row."""
    return hashlib.scrypt(code.encode(), salt=code_id.bytes, n=2**14, r=8, p=1, dklen=32).hex()


def code_matches(code_id: UUID, code: str, stored: str) -> bool:
    return hmac.compare_digest(code_hash(code_id, code), stored)


def drawn_signature(data_url: str) -> bytes:
    """The PNG of a signature pad. Raises SignatureUnreadable unless it is a sound, small PNG with some ink in it."""
    if not data_url.startswith(_PNG_PREFIX) or len(data_url) > _MAX_SIGNATURE_BYTES * 4 // 3 + 64:
        raise SignatureUnreadable
    try:
        content = base64.b64decode(data_url.removeprefix(_PNG_PREFIX), validate=True)
        pixels = _png_pixels(content)
    except (binascii.Error, struct.error, zlib.error, ValueError) as exc:
        raise SignatureUnreadable from exc
    if len(set(pixels)) < 2:
        raise SignatureUnreadable("La signature est vide : signez dans le cadre.")
    return content


def _png_pixels(content: bytes) -> bytes:
    """The raw rows of a PNG, every checksum verified. Raises ValueError, struct.error or zlib.error when it is not."""
    if not content.startswith(_PNG_MAGIC):
        raise ValueError("not a PNG")
    position, packed, header = len(_PNG_MAGIC), b"", b""
    ended = False
    while position < len(content) and not ended:
        length, kind = struct.unpack(">I4s", content[position : position + 8])
        body = content[position + 8 : position + 8 + length]
        (checksum,) = struct.unpack(">I", content[position + 8 + length : position + 12 + length])
        if len(body) != length or zlib.crc32(kind + body) != checksum:
            raise ValueError("damaged PNG")
        if kind == b"IHDR":
            header = body
        elif kind == b"IDAT":
            packed += body
        ended = kind == b"IEND"
        position += 12 + length
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", header)
    channels = {0: 1, 2: 3, 4: 2, 6: 4}.get(colour)
    if (
        not ended
        or channels is None
        or depth != 8
        or interlace
        or not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE)
    ):
        raise ValueError("unexpected PNG")
    expected = height * (1 + width * channels)
    if expected > _MAX_RAW:
        raise ValueError("too large")
    raw = zlib.decompressobj().decompress(packed, expected + 1)
    if len(raw) != expected:
        raise ValueError("damaged PNG")
    stride = 1 + width * channels
    return b"".join(raw[row * stride + 1 : (row + 1) * stride] for row in range(height))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def vat_notes(lines: Iterable[PricedLine]) -> tuple[str, ...]:
    """One sentence per rate and reason met, in the order of the lines."""
    seen: Mapping[tuple[int, VatReason], None] = dict.fromkeys(
        (line.vat_basis_points, line.vat_reason) for line in lines
    )
    return tuple(f"TVA {percent_text(rate)} : {vat.WORDING[reason]}." for rate, reason in seen)
