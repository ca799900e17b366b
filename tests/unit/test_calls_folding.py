"""What is known of a leg does not depend on the order in which it was told, nor on how often."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from maillage_tenants.calls import folding
from maillage_tenants.calls.folding import Leg
from maillage_tenants.calls.models import LegState
from maillage_tenants.calls.signals import CallNews, News, Notice

T0 = datetime(2027, 3, 1, 3, 12, tzinfo=UTC)
LIVES = (
    (News.RUNG, News.RUNG, News.NO_ANSWER),
    (News.RUNG, News.BUSY),
    (News.RUNG, News.RUNG, News.DECLINED),
    (News.RUNG, News.UNREACHABLE),
    (News.RUNG, News.WITHDRAWN),
    (News.RUNG, News.RUNG, News.ANSWERED, News.ANSWERED, News.NOT_ACCEPTED, News.LEG_OVER),
    (News.RUNG, News.ANSWERED, News.ACCEPTED, News.LEG_OVER, News.LEG_OVER),
    (News.RUNG, News.DIRECT, News.LEG_OVER),
    (News.ANSWERED, News.NOT_ACCEPTED),
    (News.RUNG, News.RUNG),
)
ENDS = {
    News.NO_ANSWER: LegState.NO_ANSWER,
    News.BUSY: LegState.BUSY,
    News.DECLINED: LegState.REFUSED,
    News.UNREACHABLE: LegState.UNREACHABLE,
    News.WITHDRAWN: LegState.CANCELLED,
}


def told(life: tuple[News, ...]) -> list[CallNews]:
    """A life as it was told: one thing every two seconds."""
    return [
        CallNews(
            Notice("sip", "c@t", news, f"sip:{index}"), news, T0 + timedelta(seconds=2 * index), "+33232402727", None, 0
        )
        for index, news in enumerate(life)
    ]


def leg_of(news: list[CallNews]) -> Leg:
    leg = folding.begun(0, "+33612345678", news[0].at)
    for item in news:
        leg = folding.fold(leg, item)
    return leg


@given(st.data(), st.sampled_from(LIVES))
def test_any_order_and_any_repeat_give_the_same_leg(data: st.DataObject, life: tuple[News, ...]) -> None:
    news = told(life)
    shuffled = data.draw(st.permutations(news))
    repeats = data.draw(st.lists(st.sampled_from(news), max_size=4))
    assert leg_of([*shuffled, *repeats]) == leg_of(news)


@given(st.data(), st.sampled_from(LIVES))
def test_the_call_may_be_over_before_everything_is_told(data: st.DataObject, life: tuple[News, ...]) -> None:
    """Closed after each word, as once its call has ended: the same leg in the end."""
    leg = folding.begun(0, "+33612345678", T0)
    for item in data.draw(st.permutations(told(life))):
        leg = folding.closed(folding.fold(leg, item))
    if News.ACCEPTED not in life:
        assert leg.state is folding.closed(leg_of(told(life))).state


@given(st.sampled_from(LIVES))
def test_a_leg_is_what_was_told(life: tuple[News, ...]) -> None:
    leg = leg_of(told(life))
    picked_up = LegState.RINGING if set(life) == {News.RUNG} else LegState.ANSWERED
    final = next((ENDS[news] for news in life if news in ENDS), picked_up)
    assert leg.state is final
    assert leg.started_at == T0
    assert leg.direct is (News.DIRECT in life)
    over = {LegState.ANSWERED: LegState.NOT_ACCEPTED, LegState.RINGING: LegState.UNTOLD}
    assert folding.closed(leg).state is over.get(final, final)


@given(st.sampled_from(LIVES), st.sampled_from([LegState.ACCEPTED, LegState.REFUSED, LegState.NO_ANSWER]))
def test_a_final_state_never_changes(life: tuple[News, ...], final: LegState) -> None:
    leg = Leg(0, "+33612345678", final, T0)
    for item in told(life):
        leg = folding.fold(leg, item)
    assert leg.state is folding.closed(leg).state is final
