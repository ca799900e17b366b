"""How names are written in a French sentence."""

import pytest

from maillage_app.web.filters import of


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Anne Lenoir", "d’Anne Lenoir"),
        ("Élise", "d’Élise"),
        ("Œuvre des Toits", "d’Œuvre des Toits"),
        ("Hélène", "d’Hélène"),
        ("Hugo", "d’Hugo"),
        ("Hamid", "de Hamid"),
        ("Yves", "d’Yves"),
        ("Yann", "de Yann"),
        ("Bruno Binet", "de Bruno Binet"),
        ("7 Vents", "de 7 Vents"),
        ("", "de "),
    ],
)
def test_de_loses_its_vowel_before_another(name: str, written: str) -> None:
    assert of(name) == written
