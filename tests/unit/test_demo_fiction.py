"""The demo's people are always the same, their numbers valid and nobody's."""

import itertools

import phonenumbers
import pytest

from maillage_app.demo.fiction import (
    BLOCK_SIZE,
    FICTION_BLOCKS,
    MOBILE_FICTION_BLOCK,
    Inventor,
    Town,
    fictional_siren,
    fictional_siret,
    numbers_of,
)
from maillage_kit.phone import parse_phone, require_unsurcharged
from maillage_kit.registers import parse_siren, parse_siret

TOWNS = (Town("27229", "Évreux", ("27000",), 47_000), Town("27056", "Bernay", ("27300",), 9_000))
PINNED = ("Henri Lucas", "henri.lucas", "66, rue du Calvaire", "Évreux")


def invented(seed: str, count: int = 300) -> list[tuple[str, str, str, str]]:
    inventor = Inventor(seed, TOWNS)
    return [
        (person.name, person.handle, inventor.street_address(), inventor.town().name)
        for person in (inventor.person() for _ in range(count))
    ]


def test_the_same_seed_gives_the_same_people_and_another_seed_others() -> None:
    assert invented("27") == invented("27")
    assert invented("27") != invented("76")
    # Pinned: a change of the lists or of the order shows here, not in somebody's screenshots.
    assert invented("27")[0] == PINNED


def test_towns_come_as_often_as_people_live_there() -> None:
    towns = [town for _, _, _, town in invented("weights", 3_000)]
    assert 0.80 < towns.count("Évreux") / len(towns) < 0.88  # 47 000 of 56 000


def test_e_mail_names_are_plain_letters() -> None:
    handles = {handle for _, handle, _, _ in invented("handles", 2_000)}
    assert all(handle.replace(".", "").replace("-", "").isascii() for handle in handles)
    assert all(handle.replace(".", "").replace("-", "").isalpha() for handle in handles)


@pytest.mark.parametrize("block", FICTION_BLOCKS)
def test_every_number_of_every_block_is_accepted_where_people_type_numbers(block: str) -> None:
    numbers = list(numbers_of(block))
    assert len(set(numbers)) == BLOCK_SIZE
    assert all(parse_phone(number) == number for number in numbers[:500])
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(number)) for number in numbers[:500])
    assert require_unsurcharged(numbers[0]) == numbers[0]  # R22


def test_two_halves_of_a_block_share_no_number() -> None:
    first, second = numbers_of("026191", end=4_500), numbers_of("026191", start=4_500, end=9_000)
    assert not set(first) & set(second)


def test_real_blocks_are_refused_and_so_is_the_mobile_fiction_block() -> None:
    for block in ("023211", "061234", MOBILE_FICTION_BLOCK):
        with pytest.raises(ValueError, match="no fiction block"):
            next(numbers_of(block))
    mobile = phonenumbers.parse(f"+33{MOBILE_FICTION_BLOCK[1:]}1234")
    assert not phonenumbers.is_valid_number(mobile)  # why the demo has no mobile number


def test_registration_numbers_have_a_right_checksum_and_belong_to_nobody() -> None:
    sirens = [fictional_siren(index) for index in range(200)]
    assert len(set(sirens)) == 200
    for siren, establishment in itertools.product(sirens[:40], (1, 2)):
        assert parse_siren(siren) == siren
        assert siren.startswith("000")
        assert parse_siret(fictional_siret(siren, establishment)).startswith(siren)
