"""The office changes the published semester by tapping: a cell, a name; the rules and the price are said at once."""

import re
from datetime import date, time, timedelta

import pytest

from maillage_kit.clock import paris_instant
from maillage_tenants import rota

BASE = "/c/eure"
FRIDAY = paris_instant(date(2027, 4, 2), time(18))
WEEK = timedelta(days=7)


@pytest.fixture
async def guild(guild):
    """Ana has three weeks at rank 1, Bilal one, Chloé is absent, Denis backs, Élise is an employee who just served."""
    for name in ("Ana", "Bilal", "Chloé", "Denis"):
        await guild.joins(name)
    await guild.joins("Élise", employed=True)
    async with guild.session() as session:
        await rota.add_absence(
            session, technician_id=guild.id_of("Chloé"), starts_at=FRIDAY + WEEK, ends_at=FRIDAY + 2 * WEEK, hard=True
        )
    for number, name in enumerate(("Élise", "Ana", "Ana", "Ana", "Bilal")):
        await guild.on_duty(name, FRIDAY + number * WEEK, FRIDAY + (number + 1) * WEEK)
    await guild.on_duty("Denis", FRIDAY, FRIDAY + 5 * WEEK, rank=2)
    return guild


def cell(page, name: str, number: int = 0) -> str:
    found = re.findall(rf'<a href="({BASE}/rota/duties/[0-9a-f-]+)"[^>]*title="[^"]*{name} Test', page.text)
    assert found
    return str(found[number])


async def test_a_cell_then_a_name_then_it_is_done(guild) -> None:
    office = await guild.office()
    semester = await office.get(f"{BASE}/rota?semester=2027-S1&trade=plumbing")
    first_tap = await office.get(cell(semester, "Ana"))
    candidates = first_tap.text.split('id="candidates"')[1]
    listed = re.findall(r"cell-title\"><span>(\w+) Test", candidates)
    assert listed == ["Bilal"]  # Chloé is absent, Denis is on call, Élise has not rested
    assert "1 → 2 semaines pour 0 dues" in candidates
    (second,) = re.findall(rf'href="({BASE}/rota/duties/[0-9a-f-]+\?technician=[0-9a-f-]+)#replace"', candidates)
    second_tap = await office.get(second)
    assert "Aucune règle n’est touchée" in second_tap.text
    assert "3 → 2 semaines pour 0 dues" in second_tap.text  # what it takes off Ana
    assert f'<option value="{guild.id_of("Bilal")}" selected' in second_tap.text
    done = await office.post(
        f"{second.split('?')[0]}/change", {"technician": str(guild.id_of("Bilal")), "reason": "Équité"}
    )
    assert done.status_code == 303
    assert await guild.who(FRIDAY + WEEK + timedelta(days=1)) == "Bilal"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Chloé", "absent du 09/04/2027 18:00 au 16/04/2027 18:00"),
        ("Denis", "déjà d’astreinte"),
        ("Élise", "repos de 0 h au lieu de 35 h"),
    ],
)
async def test_what_forbids_is_said_before_and_refused_after(guild, name: str, why: str) -> None:
    office = await guild.office()
    path = cell(await office.get(f"{BASE}/rota?semester=2027-S1&trade=plumbing"), "Ana")
    told = await office.get(f"{path}?technician={guild.id_of(name)}")
    assert f"{name} Test ne peut pas la prendre" in told.text
    assert why in told.text
    refused = await office.post(f"{path}/change", {"technician": str(guild.id_of(name)), "reason": "Essai"})
    assert refused.status_code == 422
    assert await guild.who(FRIDAY + WEEK + timedelta(days=1)) == "Ana"


async def test_what_only_speaks_against_is_said_and_left_to_people(guild) -> None:
    """R62, R64: a third week in a row for somebody self-employed."""
    office = await guild.office()
    path = cell(await office.get(f"{BASE}/rota?semester=2027-S1&trade=plumbing"), "Bilal")
    told = await office.get(f"{path}?technician={guild.id_of('Ana')}")
    assert "Possible, mais" in told.text
    assert "4 semaines de suite" in told.text
    assert "3 → 4 semaines pour 0 dues" in told.text
    done = await office.post(f"{path}/change", {"technician": str(guild.id_of("Ana")), "reason": "Accord"})
    assert done.status_code == 303


async def test_many_candidates_are_shown_page_by_page(guild) -> None:
    for number in range(14):
        await guild.joins(f"Renfort{number:02d}")
    office = await guild.office()
    path = cell(await office.get(f"{BASE}/rota?semester=2027-S1&trade=plumbing"), "Ana")
    first = await office.get(path)
    names = re.findall(r"cell-title\"><span>(\w+) Test", first.text.split('id="candidates"')[1])
    assert len(names) == 12
    following = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert following
    second = await office.get(following[1].replace("&amp;", "&"))
    rest = re.findall(r"cell-title\"><span>(\w+) Test", second.text.split('id="candidates"')[1])
    assert sorted(names + rest) == sorted(["Bilal", *(f"Renfort{number:02d}" for number in range(14))])
