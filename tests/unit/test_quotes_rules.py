"""Totals, deadlines, mentions, signatures of quotes: pure rules (R4, R12, R15, R16)."""

import base64
import struct
import zlib
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maillage_hooks.types import LineDraft, LineKind, UrgencyScope
from maillage_kit.clock import paris_instant
from maillage_kit.money import Money
from maillage_tenants.customers import ConsumerStatus, PremisesUse
from maillage_tenants.quotes import rules
from maillage_tenants.quotes.errors import SignatureUnreadable
from maillage_tenants.quotes.parties import french_vat_number, grouped, split_address
from maillage_tenants.quotes.rules import MentionFacts, missing_mentions, price_lines, totals
from maillage_tenants.quotes.vat import Premises
from maillage_tenants.subscriptions import ContractChannel

cents = st.integers(min_value=0, max_value=10_000_000)
rates = st.sampled_from([0, 550, 1000, 2000])


@given(st.lists(st.tuples(cents.map(Money), rates), max_size=40))
def test_totals_add_up_and_vat_stays_within_half_a_cent_per_rate(lines: list[tuple[Money, int]]) -> None:
    sums = totals(lines)
    assert sums.net == Money.sum(net for net, _ in lines)
    assert sums.net == Money.sum(part.base for part in sums.parts)
    assert sums.vat == Money.sum(part.amount for part in sums.parts)
    assert sums.gross == sums.net + sums.vat
    for part in sums.parts:
        exact = Decimal(part.base.cents) * part.basis_points / 10_000
        assert abs(Decimal(part.amount.cents) - exact) <= Decimal("0.5")
    assert all(isinstance(amount.cents, int) for amount in (sums.net, sums.vat, sums.gross))


@given(st.lists(st.tuples(cents.map(Money), rates), max_size=20), st.randoms())
def test_the_order_of_lines_changes_nothing(lines, random) -> None:
    shuffled = list(lines)
    random.shuffle(shuffled)
    assert totals(shuffled) == totals(lines)


@given(
    st.lists(
        st.tuples(cents, st.decimals(min_value=0, max_value=999, places=3), st.booleans()), min_size=1, max_size=10
    ),
    st.sampled_from([0, 2500, 5000, 10_000]),
)
def test_each_line_is_its_printed_unit_price_times_its_quantity(drafts, surcharge: int) -> None:
    lines = price_lines(
        [
            LineDraft("X", "x", LineKind.PART, quantity, "u", Money(price), surcharged=surcharged)
            for price, quantity, surcharged in drafts
        ],
        surcharge_basis_points=surcharge,
        premises=Premises(PremisesUse.DWELLING, over_two_years=True, certified=True),
    )
    for line, (price, quantity, surcharged) in zip(lines, drafts, strict=True):
        assert line.net == line.unit_price.times(quantity)
        if not surcharged:
            assert line.unit_price == Money(price)


def test_a_float_never_enters_an_amount() -> None:
    with pytest.raises(TypeError):
        Money.euros(1.1)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Money(1).times(1.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("signed", "last_day"),
    [
        (datetime(2026, 12, 1, 15, 0, tzinfo=UTC), date(2026, 12, 15)),  # L.1
        (datetime(2027, 4, 17, 10, 0, tzinfo=UTC), date(2027, 5, 3)),  # 1 May is a holiday and a Saturday: Monday
        (datetime(2027, 3, 15, 10, 0, tzinfo=UTC), date(2027, 3, 30)),  # Easter Monday 29 March: Tuesday
        (datetime(2027, 3, 14, 23, 30, tzinfo=UTC), date(2027, 3, 30)),  # already 15 March in Paris
        (datetime(2027, 10, 17, 10, 0, tzinfo=UTC), date(2027, 11, 2)),  # 31 October Sunday, 1 November holiday
    ],
)
def test_the_withdrawal_deadline(signed: datetime, last_day: date) -> None:
    """R12: fourteen days, the first not counted, prolonged to a working day, midnight in Paris."""
    assert rules.withdrawal_last_day(signed, "27") == last_day
    deadline = rules.withdrawal_deadline(signed, "27")
    assert deadline > paris_instant(last_day)
    assert deadline.astimezone(UTC).hour in (22, 23)


def test_no_money_for_seven_days_off_premises_only() -> None:
    signed = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
    assert rules.payment_allowed_from(signed, ContractChannel.OFF_PREMISES) == paris_instant(date(2026, 12, 9))
    assert rules.payment_allowed_from(signed, ContractChannel.IN_PREMISES) == signed


@pytest.mark.parametrize(
    ("scope", "channel", "status", "expected"),
    [
        (UrgencyScope.COMPLEMENTARY, ContractChannel.OFF_PREMISES, ConsumerStatus.CONSUMER, True),
        (UrgencyScope.STRICTLY_NECESSARY, ContractChannel.OFF_PREMISES, ConsumerStatus.CONSUMER, False),
        (UrgencyScope.COMPLEMENTARY, ContractChannel.IN_PREMISES, ConsumerStatus.CONSUMER, False),
        (UrgencyScope.COMPLEMENTARY, ContractChannel.DISTANCE_WEB, ConsumerStatus.CONSUMER, True),
        (UrgencyScope.COMPLEMENTARY, ContractChannel.OFF_PREMISES, ConsumerStatus.SMALL_PROFESSIONAL, True),
        (UrgencyScope.COMPLEMENTARY, ContractChannel.DISTANCE_WEB, ConsumerStatus.SMALL_PROFESSIONAL, False),
        (UrgencyScope.COMPLEMENTARY, ContractChannel.OFF_PREMISES, ConsumerStatus.PROFESSIONAL, False),
    ],
)
def test_who_may_withdraw(scope, channel, status, expected: bool) -> None:
    assert rules.may_withdraw(scope=scope, channel=channel, status=status) is expected


COMPLETE = {
    "company": "Coopérative",
    "company_address": "12 rue de la Harpe",
    "siren": "732829320",
    "phone": "+33232402727",
    "mediator": "Médiation",
    "mediator_contact": "https://mediateur.example",
    "performer": "Benali Plomberie",
    "insurance": ["Décennale"],
    "customer": "Jeanne Lefèvre",
    "place": "3 rue Sadi-Carnot",
    "nature": "Fuite",
    "execution": "immédiate",
}


@pytest.mark.parametrize("field", [*COMPLETE, "lines"])
def test_each_mention_of_r4_is_required(field: str) -> None:
    travel = price_lines(
        [LineDraft("T", "Déplacement", LineKind.TRAVEL, Decimal(1), "forfait", Money(5500))],
        surcharge_basis_points=0,
        premises=Premises(PremisesUse.DWELLING, over_two_years=True, certified=True),
    )
    complete = {**COMPLETE, "lines": travel, "emergency": True}
    assert missing_mentions(MentionFacts(**complete)) == {}  # type: ignore[arg-type]
    without = {**complete, field: [] if field in ("lines", "insurance") else " "}
    missing = missing_mentions(MentionFacts(**without))  # type: ignore[arg-type]
    assert ("mediator" if field == "mediator_contact" else field) in missing


def test_an_emergency_quote_says_the_price_of_travel() -> None:
    labour = price_lines(
        [LineDraft("L", "Main-d’œuvre", LineKind.LABOUR, Decimal(1), "h", Money(6400))],
        surcharge_basis_points=0,
        premises=Premises(PremisesUse.DWELLING, over_two_years=True, certified=True),
    )
    assert "travel" in missing_mentions(MentionFacts(**COMPLETE, lines=labour, emergency=True))  # type: ignore[arg-type]
    assert missing_mentions(MentionFacts(**COMPLETE, lines=labour, emergency=False)) == {}  # type: ignore[arg-type]


def png(width: int, height: int, pixels: bytes, *, colour: int = 6) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    channels = {0: 1, 2: 3, 6: 4}[colour]
    stride = width * channels
    raw = b"".join(b"\0" + pixels[row * stride : (row + 1) * stride] for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def url(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode()


INKED = png(20, 10, bytes(20 * 4) + b"\x1b\x1b\x2f\xff" * 20 + bytes(8 * 20 * 4))


def test_a_drawn_signature_is_read() -> None:
    assert rules.drawn_signature(url(INKED)) == INKED


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "data:image/jpeg;base64,AAAA",
        "data:image/png;base64,%%%",
        url(b"not a png"),
        url(INKED[:-20]),
        url(INKED[:40] + bytes([INKED[40] ^ 1]) + INKED[41:]),
        url(png(20, 10, bytes(20 * 10 * 4))),
        url(png(4000, 1, b"\1\2\3\4" * 4000)),
        "data:image/png;base64," + "A" * 500_000,
    ],
    ids=["empty", "jpeg", "base64", "not png", "cut", "damaged", "blank", "too wide", "too long"],
)
def test_what_is_no_signature_is_refused(bad: str) -> None:
    with pytest.raises(SignatureUnreadable):
        rules.drawn_signature(bad)


def test_a_signature_that_unpacks_to_a_flood_is_refused() -> None:
    flood = png(3000, 3000, bytes(3000 * 3000 * 4))
    declared_small = flood[:16] + struct.pack(">II", 10, 10) + flood[24:29]
    declared_small += struct.pack(">I", zlib.crc32(declared_small[12:29])) + flood[33:]
    with pytest.raises(SignatureUnreadable):
        rules.drawn_signature(url(declared_small))


def test_a_code_is_bound_to_its_row() -> None:
    one, other = UUID(int=1), UUID(int=2)
    stored = rules.code_hash(one, "012345")
    assert "012345" not in stored
    assert rules.code_matches(one, "012345", stored)
    assert not rules.code_matches(one, "012346", stored)
    assert not rules.code_matches(other, "012345", stored)


def test_how_a_company_is_written() -> None:
    assert french_vat_number("732829320") == "FR44732829320"
    assert grouped("73282932000074") == "732 829 320 00074"
    assert split_address("12 rue de la Harpe, 27000 Évreux") == ["12 rue de la Harpe", "27000 Évreux"]
