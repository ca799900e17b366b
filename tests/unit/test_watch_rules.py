"""Rules of the watch: when to call, what a call proved, the static forward list."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from maillage_kit.settings import CarrierApiSettings, Settings, SipSettings, TelephonySettings, WatchCallSettings
from maillage_tenants.calls import LegState, WatchProgress
from maillage_tenants.watch import rules
from maillage_tenants.watch.placing import NotPlaced, RestPlacer, VoicePlacer, placer, typing_document
from maillage_tenants.watch.rules import Place, Watcher

T0 = datetime(2027, 3, 1, 8, tzinfo=UTC)
EVERY = timedelta(minutes=15)
PERIODS = st.integers(5, 1440).map(lambda minutes: timedelta(minutes=minutes))
INSTANTS = st.integers(0, 365 * 86400).map(lambda seconds: T0 + timedelta(seconds=seconds))


# ------------------------------------------------------------------------------------------------------ when to call


@given(st.uuids(), INSTANTS, PERIODS)
def test_a_cooperative_has_one_slot_a_period(cooperative: UUID, now: datetime, every: timedelta) -> None:
    start = rules.slot(cooperative, now=now, every=every)
    assert start <= now < start + every
    assert rules.slot(cooperative, now=start, every=every) == start
    assert rules.slot(cooperative, now=start + every, every=every) == start + every


@given(st.uuids(), INSTANTS, PERIODS)
def test_a_call_is_due_once_in_its_slot_and_never_late(cooperative: UUID, now: datetime, every: timedelta) -> None:
    start = rules.slot(cooperative, now=now, every=every)
    assert rules.is_due(cooperative, last=None, now=start, every=every)
    assert rules.is_due(cooperative, last=start - every, now=start + timedelta(seconds=90), every=every)
    assert not rules.is_due(cooperative, last=start, now=start + timedelta(seconds=60), every=every)
    assert not rules.is_due(cooperative, last=None, now=start + rules.START_WITHIN, every=every)


def test_cooperatives_do_not_all_call_at_once() -> None:
    starts = {rules.slot(uuid4(), now=T0, every=EVERY) for _ in range(100)}
    assert len(starts) > 80


def test_silence_begins_after_two_periods() -> None:
    def since(last_success: datetime | None, now: datetime, enabled_at: datetime = T0) -> datetime | None:
        return rules.silent_since(last_success=last_success, enabled_at=enabled_at, now=now, every=EVERY)

    assert since(None, T0 + 2 * EVERY) is None
    assert since(None, T0 + 2 * EVERY + timedelta(seconds=1)) == T0
    success = T0 + timedelta(hours=5)
    assert since(success, success + 2 * EVERY) is None
    assert since(success, success + timedelta(minutes=31)) == success
    # switched on again after a long pause: the old success does not make it silent at once
    assert since(success, T0 + timedelta(days=9), enabled_at=T0 + timedelta(days=9)) is None


# --------------------------------------------------------------------------------------------- what a call proved

ARRIVED = WatchProgress(
    call_id=uuid4(),
    located=True,
    routing_note="Secteur Pont-Audemer",
    ended=False,
    arrived_at=T0,
    rang_at=T0 + timedelta(seconds=12),
    answered_at=None,
    accepted_at=None,
    ended_at=None,
    leg_state=LegState.RINGING,
)
DEADLINE = T0 + timedelta(seconds=90)


def failure(progress: WatchProgress | None, *, now: datetime = DEADLINE, keys: str = "1 27500") -> str | None:
    verdict = rules.judge(progress, keys=keys, deadline=DEADLINE, now=now)
    return None if verdict is None else verdict.failure


def test_only_the_key_in_time_is_a_success() -> None:
    accepted = replace(ARRIVED, accepted_at=DEADLINE, leg_state=LegState.ACCEPTED)
    assert failure(accepted, now=T0) == ""
    assert failure(replace(accepted, accepted_at=DEADLINE + timedelta(seconds=1))) == rules.TOO_LATE
    assert failure(replace(accepted, located=False, routing_note="Code postal non tapé")) == (
        "Le menu n’a pas compris les touches. Code postal non tapé"
    )
    assert failure(replace(accepted, located=False), keys="") == ""  # nothing was typed: the menu proves nothing


def test_a_call_under_way_is_not_judged_before_its_deadline() -> None:
    almost = DEADLINE - timedelta(seconds=1)
    assert failure(None, now=almost) is None
    assert failure(ARRIVED, now=almost) is None
    assert failure(None) == rules.NOT_ARRIVED
    assert failure(ARRIVED) == rules.TOO_LATE


@pytest.mark.parametrize("leg", [None, *(state for state in LegState if state is not LegState.ACCEPTED)])
def test_a_call_that_ended_unaccepted_says_where_it_stopped(leg: LegState | None) -> None:
    said = failure(replace(ARRIVED, ended=True, leg_state=leg), now=T0)
    assert said
    assert said != rules.NOT_ARRIVED


# ------------------------------------------------------------------------------------------------------------ placing


def test_the_document_types_one_group_of_keys_a_menu() -> None:
    root = ElementTree.fromstring(typing_document("1 27500", line_seconds=90))
    assert [(verb.tag, dict(verb.attrib)) for verb in root] == [
        ("Pause", {"length": "5"}),
        ("Play", {"digits": "1"}),
        ("Pause", {"length": "5"}),
        ("Play", {"digits": "27500"}),
        ("Pause", {"length": "90"}),
        ("Hangup", {}),
    ]


def test_the_settings_say_how_calls_are_placed() -> None:
    numbers = {"number": "+33188000001", "artisan_number": "+33188000002"}
    with pytest.raises(NotPlaced):
        placer(Settings())
    watch = WatchCallSettings.model_validate(numbers)
    with pytest.raises(NotPlaced):
        placer(Settings(telephony=TelephonySettings(watch=watch)))
    api = CarrierApiSettings(account_sid="AC1", auth_token=SecretStr("secret"))
    assert isinstance(placer(Settings(telephony=TelephonySettings(watch=watch, api=api))), RestPlacer)
    sip = SipSettings(secrets=(SecretStr("a-secret-of-the-edge"),))
    assert isinstance(placer(Settings(telephony=TelephonySettings(watch=watch, api=api, sip=sip))), VoicePlacer)


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": "+33188000001"},
        {"number": "+33188000001", "artisan_number": "+33188000001"},
        {"number": "0188000001", "artisan_number": "+33188000002"},
        {"keys": "1 abc"},
    ],
)
def test_half_set_watch_calls_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"watch|WATCH|pattern"):
        WatchCallSettings.model_validate(wrong)


# ------------------------------------------------------------------------------------------------ static forward list

PLACES = tuple(
    Place(UUID(int=number), f"Secteur {number}", trade, trade)
    for number in (1, 2)
    for trade in ("plumbing", "locksmith")
)
WEEK = timedelta(days=7)


@st.composite
def rotas(draw: st.DrawFn) -> tuple[Watcher, ...]:
    """Duties that never overlap on a post, with gaps, from before the week to after it."""
    found = []
    for place in PLACES:
        for rank in (1, 2):
            cuts = sorted(draw(st.sets(st.integers(-2000, 14000), max_size=6)))
            for begins, ends in pairwise(cuts):
                if draw(st.booleans()):
                    who = draw(st.sampled_from(("Ana", "Bilal", "Chloé")))
                    start, end = T0 + timedelta(minutes=begins), T0 + timedelta(minutes=ends)
                    found.append(Watcher(place.sector_id, place.trade, rank, who, "+33612345678", start, end))
    return tuple(found)


@settings(max_examples=40, deadline=None)
@given(rotas(), st.lists(st.integers(0, 7 * 24 * 60 - 1), min_size=1, max_size=20))
def test_the_list_says_who_is_on_call_at_every_instant(watchers: tuple[Watcher, ...], minutes: list[int]) -> None:
    lines = rules.forwards(PLACES, watchers, start=T0, end=T0 + WEEK)
    for place in PLACES:
        mine = [line for line in lines if (line.sector_id, line.trade) == (place.sector_id, place.trade)]
        assert (mine[0].starts_at, mine[-1].ends_at) == (T0, T0 + WEEK)
        for before, after in pairwise(mine):
            assert before.ends_at == after.starts_at
            assert (before.first, before.second) != (after.first, after.second)  # cut only where somebody changes
        for minute in minutes:
            at = T0 + timedelta(minutes=minute)
            (line,) = [line for line in mine if line.starts_at <= at < line.ends_at]
            held = {
                w.rank: (w.name, w.phone)
                for w in watchers
                if (w.sector_id, w.trade) == (place.sector_id, place.trade) and w.starts_at <= at < w.ends_at
            }
            assert (line.first, line.second) == (held.get(1), held.get(2))


def test_every_line_ends_at_a_human_number() -> None:
    manager, fallback = ("Hélène Marchand", "+33612345601"), "+33232402700"
    ana = Watcher(PLACES[0].sector_id, "plumbing", 2, "Ana", "+33611111111", T0, T0 + timedelta(days=1))
    lines = rules.forwards(PLACES[:1], [ana], start=T0, end=T0 + WEEK)
    first, rest = rules.rows_of(lines, manager=manager, fallback=fallback)
    assert first[4:] == ["Ana", "+33611111111", *manager, fallback]  # rank 2 alone is called first
    assert rest[4:] == [*manager, "", "", fallback]
    assert rules.in_words(rest).endswith(": Hélène Marchand 06 12 34 56 01, repli 02 32 40 27 00")


def test_the_nights_that_change_the_hour_are_told_with_their_offset() -> None:
    spring, autumn = datetime(2027, 3, 28, 1, tzinfo=UTC), datetime(2027, 10, 31, 1, tzinfo=UTC)
    assert rules.with_zone(spring - timedelta(minutes=1)) == "2027-03-28 01:59 +01:00"
    assert rules.with_zone(spring) == "2027-03-28 03:00 +02:00"
    assert rules.with_zone(autumn - timedelta(minutes=30)) == "2027-10-31 02:30 +02:00"
    assert rules.with_zone(autumn + timedelta(minutes=30)) == "2027-10-31 02:30 +01:00"


def test_a_spreadsheet_reads_the_list_and_runs_nothing() -> None:
    row = ["Évreux ; centre", "Plomberie", "a", "b", '=HYPERLINK("x")', "+33611111111", "", "", "+33232402700"]
    header, read = csv.reader(io.StringIO(rules.as_csv([row]), newline=""), delimiter=";")
    assert tuple(header) == rules.COLUMNS
    assert read == [*row[:4], '\'=HYPERLINK("x")', *row[5:]]
