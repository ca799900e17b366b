"""Quiet hours over both DST nights, the chain by urgency, how long a text is, what a reply says."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maillage_hooks.bands import public_holiday
from maillage_tenants.messages import rules, words
from maillage_tenants.messages.carriers import smpp_wire
from maillage_tenants.messages.models import Channel, Urgency
from maillage_tenants.messages.rules import Meaning, Policy, Reach, Step, Unless, Wishes

PARIS = ZoneInfo("Europe/Paris")
POLICY = Policy()


def wall(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=PARIS)


def quiet(at: datetime, policy: Policy = POLICY) -> datetime | None:
    return rules.quiet_until(at, policy, holiday=lambda day: bool(public_holiday(day)))


@pytest.mark.parametrize(
    ("at", "until"),
    [
        (wall(2027, 3, 1, 9), None),
        (wall(2027, 3, 1, 20, 59), None),
        (wall(2027, 3, 1, 21), wall(2027, 3, 2, 8)),
        (wall(2027, 3, 2, 7, 59), wall(2027, 3, 2, 8)),
        (wall(2027, 3, 2, 8), None),  # half-open: at its end, it is over
        (wall(2027, 3, 6, 22), wall(2027, 3, 8, 8)),  # Saturday evening: the whole Sunday is quiet
        (wall(2027, 3, 7, 12), wall(2027, 3, 8, 8)),
        (wall(2027, 7, 13, 23), wall(2027, 7, 15, 8)),  # 14 July
        (wall(2027, 12, 24, 22), wall(2027, 12, 27, 8)),  # Christmas on a Saturday, then Sunday
    ],
)
def test_quiet_hours_end_on_the_wall_clock(at: datetime, until: datetime | None) -> None:
    assert quiet(at) == until


def test_both_nights_of_the_clock_change_end_at_eight() -> None:
    """R105: the night of March has 10 hours, that of October 12; both end at 08:00 in Paris."""
    weekdays = Policy(quiet_sundays=False, quiet_holidays=False)
    march = quiet(wall(2027, 3, 27, 21), weekdays)
    october = quiet(wall(2027, 10, 30, 21), weekdays)
    assert (march, october) == (wall(2027, 3, 28, 8), wall(2027, 10, 31, 8))
    assert march is not None
    assert october is not None
    assert march.astimezone(UTC) - wall(2027, 3, 27, 21).astimezone(UTC) == timedelta(hours=10)
    assert october.astimezone(UTC) - wall(2027, 10, 30, 21).astimezone(UTC) == timedelta(hours=12)
    repeated = datetime(2027, 10, 31, 2, 30, tzinfo=PARIS)
    assert quiet(repeated, weekdays) == quiet(repeated.replace(fold=1), weekdays) == wall(2027, 10, 31, 8)


def test_quiet_hours_may_stand_inside_a_day_or_not_at_all() -> None:
    lunch = Policy(quiet_from=time(12), quiet_to=time(14), quiet_sundays=False)
    assert quiet(wall(2027, 3, 1, 13), lunch) == wall(2027, 3, 1, 14)
    assert quiet(wall(2027, 3, 1, 14), lunch) is None
    none = Policy(quiet_from=time(8), quiet_to=time(8), quiet_sundays=False, quiet_holidays=False)
    assert quiet(wall(2027, 3, 1, 3), none) is None


@given(st.integers(0, 3 * 365 * 24 * 60))
def test_what_is_held_leaves_at_the_first_moment_that_is_not_quiet(minutes: int) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    until = quiet(at)
    if until is not None:
        assert until > at
        assert quiet(until) is None
        assert quiet(until - timedelta(minutes=1)) is not None


ALL = Reach(push=True, sms=True, call=True, email=True)


def test_an_emergency_goes_by_every_way() -> None:
    steps = rules.chain(Urgency.EMERGENCY, ALL, Wishes(), technician=True)
    assert steps == (
        Step(Channel.PUSH),
        Step(Channel.SMS),
        Step(Channel.CALL, timedelta(seconds=60)),
        Step(Channel.EMAIL, copy=True),
    )


def test_the_text_of_an_emergency_may_wait_for_the_notification_never_without_it() -> None:
    patient = Wishes(sms_after=timedelta(seconds=20), voice_call=False)
    with_push = rules.chain(Urgency.EMERGENCY, ALL, patient, technician=True)
    assert with_push[1] == Step(Channel.SMS, timedelta(seconds=20), unless=Unless.SHOWN)
    assert Channel.CALL not in {step.channel for step in with_push}
    without = rules.chain(Urgency.EMERGENCY, Reach(sms=True), patient, technician=True)
    assert without == (Step(Channel.SMS),)


def test_who_is_no_technician_is_called_only_when_the_text_did_not_arrive() -> None:
    steps = rules.chain(Urgency.EMERGENCY, Reach(sms=True, call=True), Wishes(), technician=False)
    assert steps[1] == Step(Channel.CALL, timedelta(seconds=60), unless=Unless.DELIVERED)


@pytest.mark.parametrize("urgency", [Urgency.PROMPT, Urgency.ROUTINE])
def test_the_rest_goes_one_way_after_the_other_as_wished(urgency: Urgency) -> None:
    wishes = Wishes(channels=rules.order_from(["email", "sms"]))
    steps = rules.chain(urgency, ALL, wishes, technician=True)
    assert [step.channel for step in steps] == [Channel.EMAIL, Channel.SMS, Channel.PUSH]
    assert {step.unless for step in steps} == {Unless.SENT}


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("é" * 160, 1),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ê" * 70, 1),
        ("ê" * 71, 2),
        ("ê" * 134, 2),
        ("ê" * 135, 3),
        ("a" * 306, 2),
        ("a" * 307, 3),
    ],
)
def test_segments_are_counted_as_carriers_do(text: str, segments: int) -> None:
    assert rules.segments(text) == segments
    assert len(smpp_wire.parts(text, number=1)) == segments


def test_typographic_signs_do_not_halve_a_text() -> None:
    told = rules.plain("L’artisan arrive… « Je pars » – cœur\u00a0: 12 € à l’entrée")
    assert told == "L'artisan arrive... \"Je pars\" - coeur : 12 € à l'entrée"
    assert rules.is_gsm7(told)
    assert rules.plain("Benoît Françoise") == "Benoît Françoise"  # names stay names


@given(st.text(max_size=400))
def test_parts_of_a_text_hold_all_of_it(text: str) -> None:
    parts = smpp_wire.parts(text, number=7)
    assert all(len(piece) <= 160 for _, coding, piece in parts if coding == 0)
    assert all(len(piece) <= 140 for _, coding, piece in parts if coding == 8)
    if all(coding == 8 for _, coding, _ in parts):
        whole = b"".join(piece[6:] if flags else piece for flags, _, piece in parts)
        assert whole.decode("utf-16-be") == text


def test_a_text_says_once_who_sends_it() -> None:
    assert rules.signed("Dépannage Eure", "bonjour") == "Dépannage Eure : bonjour"
    assert rules.signed("Dépannage Eure", "Dépannage Eure : à 9 h") == "Dépannage Eure : à 9 h"


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("1", Meaning.YES),
        (" 1. ", Meaning.YES),
        ("Oui !", Meaning.YES),
        ("J’accepte", Meaning.YES),
        ("2", Meaning.NO),
        ("NON", Meaning.NO),
        ("STOP", Meaning.STOP),
        ("Arrêt", Meaning.STOP),
        ("oui mais demain", Meaning.OTHER),
        ("12", Meaning.OTHER),
        ("1 ou 2 ?", Meaning.OTHER),
        ("", Meaning.OTHER),
    ],
)
def test_only_a_whole_reply_says_yes_or_no(text: str, meaning: Meaning) -> None:
    assert rules.meaning_of(text) is meaning


FACTS = {
    "number": "D-2027-000042",
    "place": "12 rue de la République, 27500 Pont-Audemer",
    "minutes": 3,
    "url": "https://maillage.example/c/eure/field/cases/0197f0c2-0000-7000-8000-000000000000",
    "phone": "06 12 34 56 78",
    "reason": "le client annule",
    "news": "vous êtes de garde du 1er au 8 mars",
    "name": "Karim Benali",
    "cooperative": "Dépannage Eure",
    "danger": "fuite qui inonde le logement",
    "code": "123456",
    "amount": "1 234,56 €",
    "start": "vendredi 05/03 à 18:00",
    "end": "vendredi 12/03 à 18:00",
    "at": "18:00",
    "after": " après Emmanuel Dauvergne, 06 12 34 56 78",
    "asks": "vous propose son astreinte du 26/03/2027 18:00 au 02/04/2027 18:00, secteur Pont-Audemer – Roumois, "
    "rang 1, contre votre astreinte du 09/04/2027 18:00 au 16/04/2027 18:00",
    "period": "du 26/03/2027 18:00 au 02/04/2027 18:00",
    "verdict": "a accepté",
    "until": "04:00",
}


@pytest.mark.parametrize("purpose", [code for code, kind in words.TEMPLATES.items() if kind.text])
def test_every_template_is_french_that_fits_in_three_short_messages(purpose: str) -> None:
    text = rules.plain(rules.signed("Dépannage Eure", words.wording(purpose, **FACTS)))
    assert "{" not in text
    assert rules.segments(text) <= 3, text


def test_a_glance_gives_nobody_away() -> None:
    """R72: what a locked screen shows holds no fact at all."""
    assert [code for code, kind in words.TEMPLATES.items() if "{" in kind.glance] == []
    emergencies = [code for code, kind in words.TEMPLATES.items() if kind.urgency is Urgency.EMERGENCY]
    assert [code for code in emergencies if not words.TEMPLATES[code].glance] == []


def test_a_purpose_without_text_is_not_worded_by_accident() -> None:
    with pytest.raises(KeyError):
        words.wording("case_tracking")
    with pytest.raises(KeyError):
        words.wording("offer", number="D-1")
    assert words.template("unknown").urgency is Urgency.PROMPT


def test_a_holiday_of_the_department_counts() -> None:
    good_friday = date(2027, 3, 26)
    assert public_holiday(good_friday, "67")
    assert not public_holiday(good_friday, "27")
