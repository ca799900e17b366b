"""What a review and its answer may be."""

import pytest

from maillage_kit.errors import Invalid
from maillage_tenants.reviews import LONGEST, RATINGS, read_answer, read_review


@pytest.mark.parametrize("mark", RATINGS)
def test_a_mark_from_1_to_5_with_or_without_words(mark: int) -> None:
    assert read_review(str(mark), "  Rapide.\n") == (mark, "Rapide.")
    assert read_review(str(mark), "") == (mark, "")


@pytest.mark.parametrize("rating", ["", "0", "6", "4.5", "-1", " 4", "05", "٤", "quatre"])
def test_any_other_mark_is_refused(rating: str) -> None:
    with pytest.raises(Invalid) as wrong:
        read_review(rating, "Rapide.")
    assert list(wrong.value.fields) == ["rating"]


def test_words_have_an_end() -> None:
    assert read_review("5", "é" * LONGEST) == (5, "é" * LONGEST)
    with pytest.raises(Invalid) as wrong:
        read_review("", "é" * (LONGEST + 1))
    assert list(wrong.value.fields) == ["rating", "comment"]
    for answer in ("", " ", "é" * (LONGEST + 1)):
        with pytest.raises(Invalid) as wrong:
            read_answer(answer)
        assert list(wrong.value.fields) == ["answer"]
    assert read_answer(" Merci. ") == "Merci."
