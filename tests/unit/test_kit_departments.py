"""The names of the départements, and which entry of the navigation is lit."""

from typing import Any

import pytest

from maillage_app.navigation import navigation
from maillage_kit.context import Actor, CooperativeContext, TenantRef
from maillage_kit.departments import NAMES, department_label
from maillage_kit.ids import new_id
from maillage_kit.permissions import Role
from maillage_tenants import territory


def test_every_departement_has_its_name() -> None:
    assert tuple(sorted(NAMES)) == territory.departments()
    assert len(set(NAMES.values())) == 101
    assert "'" not in "".join(NAMES.values())


@pytest.mark.parametrize(("code", "label"), [("27", "Eure (27)"), ("2A", "Corse-du-Sud (2A)"), ("977", "977")])
def test_labels(code: str, label: str) -> None:
    assert department_label(code) == label


@pytest.mark.parametrize(
    ("path", "lit"),
    [("/plans", "Formules"), ("/plans/new", "Formules"), ("/customers", "Clients"), ("/desk/new", "Tableau de bord")],
)
def test_one_entry_is_lit(path: str, lit: str) -> None:
    texts: dict[str, Any] = dict.fromkeys(
        ("name", "legal_name", "legal_form", "siren", "address", "email", "public_number", "manager_name",
         "manager_phone", "fallback_phone", "mediator_name", "mediator_contact", "timezone"), "")  # fmt: skip
    cooperative = CooperativeContext(
        **texts,
        id=new_id(), slug="eure", department="27", trades=(), tenant=TenantRef(new_id(), "s", "r"),
    )  # fmt: skip
    office = Actor(new_id(), "Camille", "c@example", Role.MANAGER, cooperative.id)
    entries = navigation(cooperative, office, f"/c/eure{path}", lambda _method, _address: True)
    assert [item.label for item in entries if item.current] == [lit]
    assert cooperative.department_label == "Eure (27)"
