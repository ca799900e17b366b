"""The worked examples of docs/money.md, read from the page and computed by the engine (R30-R34, R89, EN 16931)."""

import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from maillage_hooks.types import EmergencyGround, LineDraft, LineKind
from maillage_kit.money import Money
from maillage_tenants.customers import PremisesUse
from maillage_tenants.quotes.rules import line_totals, price_lines
from maillage_tenants.quotes.vat import Premises

PAGE = Path(__file__).parents[2] / "docs" / "money.md"
_YES_NO = {"yes": True, "no": False, "unknown": None}


@dataclass(frozen=True)
class Example:
    title: str
    premises: Premises
    surcharge: int
    lines: list[list[str]]
    parts: list[list[str]]
    totals: tuple[str, str, str]


def table(text: str, first_cell: str) -> list[list[str]]:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    start = next(index for index, row in enumerate(rows) if row[0] == first_cell)
    width = len(rows[start])
    found = []
    for row in rows[start + 2 :]:
        if len(row) != width:
            break
        found.append(row)
    return found


def read_examples() -> list[Example]:
    examples = []
    for section in PAGE.read_text(encoding="utf-8").split("## Worked examples")[1].split("\n### ")[1:]:
        title = section.splitlines()[0]
        facts = re.search(r"Premises: (\w+); over two years: (\w+); certified: (\w+); surcharge: (\d+)", section)
        totals = re.search(r"^Net ([\d.]+), VAT ([\d.]+), gross ([\d.]+)$", section, re.MULTILINE)
        assert facts and totals, title
        use = None if facts[1] == "unknown" else PremisesUse(facts[1])
        premises = Premises(use=use, over_two_years=_YES_NO[facts[2]], certified=facts[3] == "yes")
        examples.append(
            Example(
                title,
                premises,
                int(facts[4]),
                table(section, "Item"),
                table(section, "Rate"),
                (totals[1], totals[2], totals[3]),
            )
        )
    return examples


EXAMPLES = read_examples()


def test_the_page_has_its_examples() -> None:
    assert len(EXAMPLES) >= 9
    assert all(example.lines and example.parts for example in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_a_worked_example_of_the_page_is_what_is_computed(example: Example) -> None:
    drafts = [
        LineDraft(
            item_code=item,
            label=item,
            kind=LineKind.PART if kind == "boiler" else LineKind(kind),
            quantity=Decimal(quantity),
            unit="u",
            unit_price=Money.euros(price),
            surcharged=surcharged == "yes",
            emergency_ground=None if ground == "-" else EmergencyGround(ground),
            fossil_boiler=kind == "boiler",
        )
        for item, kind, quantity, price, surcharged, ground, *_ in example.lines
    ]
    lines = price_lines(drafts, surcharge_basis_points=example.surcharge, premises=example.premises)
    assert [
        [
            f"{line.unit_price.as_decimal():.2f}",
            f"{line.net.as_decimal():.2f}",
            str(line.vat_basis_points),
            line.vat_reason,
        ]
        for line in lines
    ] == [row[6:] for row in example.lines]
    sums = line_totals(lines)
    assert [
        [str(part.basis_points), f"{part.base.as_decimal():.2f}", f"{part.amount.as_decimal():.2f}"]
        for part in sums.parts
    ] == example.parts
    assert tuple(f"{amount.as_decimal():.2f}" for amount in (sums.net, sums.vat, sums.gross)) == example.totals
