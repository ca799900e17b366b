"""Moves of a plan, compiled: may somebody have a slot, what does it cost, who has it from now on; chains and swaps.

Everything compiled is here, with the shapes of its arrays: numba compiles anew when this file has changed, and looks at
no other. `State` says the same rules and points for everybody else; a test holds one against the other.
"""

from collections.abc import Callable
from math import exp
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int32]
Flags = NDArray[np.bool_]
Dice = NDArray[np.uint64]
Room = NDArray[np.int64]
BEFORE = 8
"""Weeks are numbered from that many before the semester: duties of the semester before count for weeks running."""
NOBODY = -1
"""The holder of an empty slot: the last one of those who hold something."""
HOME, HOLE = 0.9, 0.03
"""Share of the draws that look at people at home; at holes."""
CLOSE = 0.55
"""Share of what is given up for a slot that goes to its holder, or stays empty if it was."""
ALONE, NEAR, SAME = 0.1, 0.55, 0.2
"""Share of the takers who give up nothing; something near in time, so that the rules allow it; something of the same
kind, so that their loads stay. The rest give up anything."""
OTHER_WEEK = 0.7
"""Share of the swaps that are of two weeks: what one gains in the first, the other may gain in the second."""
NEVER = 20.0
"""A move that costs so many times the heat is not worth a throw of the dice."""


class Lists(NamedTuple):
    """Many lists in one: list `i` is `items[start[i]:start[i + 1]]`."""

    start: Whole
    items: Whole


class Facts(NamedTuple):
    """What no move changes: see `Problem`, whose names these are. Annealing makes `weight` lighter at first.

    By slot: `unit`, `week`, `desk`, `first` (rank 1), `apart`, `free` (may change hands), `empty` (points of a hole),
    `kind` (slots of one kind add the same to a load), `gain[slot, category]`, `cost[slot, person]` (below 0: no
    candidate), `candidates`, those at home first, `at_home` of them. `movable`: the free ones.
    By person: `low`, `high`, `weight[person, category]`, `employed`, `wishes`.
    By unit: `overlapping`; `close`, for members, then for employees; `follows`; `rest_weeks` that it touches.
    By wish: `points`, `wished[wish, unit]`. By week: where its stretches of rest begin in `rests`;
    `rest[stretch, unit]`: does the unit cut it? `fills[week, unit]`: does it fill that week? `joined[desk, desk]`.
    """

    unit: Whole
    week: Whole
    desk: Whole
    kind: Whole
    first: Flags
    apart: Flags
    free: Flags
    empty: Whole
    gain: Whole
    cost: NDArray[np.int16]
    candidates: Lists
    at_home: Whole
    movable: Whole
    low: Whole
    high: Whole
    weight: Whole
    employed: Flags
    wishes: Lists
    points: Whole
    wished: Flags
    overlapping: Lists
    close: Lists
    follows: Lists
    rest_weeks: Lists
    rests: Whole
    rest: Flags
    fills: Flags
    joined: Flags
    most_units: int
    most_running: int
    again: int


class Hands(NamedTuple):
    """Who holds what. `holder[slot]`; `held[person, i]` for `i < number[person]`: the free slots of a person, or of
    nobody; `place[slot]` among them; `at[person, unit]`: the slots held then, two at most; `load[person, category]`;
    `units`, `firsts[person, week]`: units that count, duties at rank 1; `resting[person, rest]`: duties that cut that
    stretch; `filled[person, week]`; `granted[wish]`: duties that grant it; `dice`: the state of the random numbers."""

    holder: Whole
    held: Whole
    number: Whole
    place: Whole
    at: Whole
    load: Whole
    units: Whole
    firsts: Whole
    resting: Whole
    filled: Whole
    granted: Whole
    dice: Dice


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """What was compiled is kept beside this file, or where the user may write; nowhere when neither can be."""
    # Nothing is made in there, so no references are counted: that alone is ten times faster.
    options: dict[str, Any] = {"nogil": True, "_nrt": False}
    made: Callable[..., Any]
    try:
        made = numba.njit(cache=True, **options)(function)
    except RuntimeError:
        made = numba.njit(**options)(function)
    return made


def within(function: Callable[..., Any]) -> Callable[..., Any]:
    """Written out where it is called: a call with all these arrays costs more than most of these do."""
    return numba.njit(inline="always")(function)


@compiled
def draw(dice: Dice, below: int) -> int:
    """A whole number from 0, less than `below` (xorshift)."""
    thrown = dice[0]
    thrown ^= thrown << np.uint64(13)
    thrown ^= thrown >> np.uint64(7)
    thrown ^= thrown << np.uint64(17)
    dice[0] = thrown
    return np.int64(((thrown >> np.uint64(32)) * np.uint64(below)) >> np.uint64(32))  # type: ignore[return-value]


@compiled
def chance(dice: Dice) -> float:
    """A number from 0, less than 1."""
    share: float = draw(dice, 1 << 30) / (1 << 30)
    return share


@within
def holds_first(facts: Facts, hands: Hands, person: int, unit: int, but: int) -> bool:
    """Has the person a duty at rank 1 then, that slot apart?"""
    one, other = hands.at[person, unit, 0], hands.at[person, unit, 1]
    holds: bool = one >= 0 and one != but and facts.first[one]
    return holds or (other >= 0 and other != but and facts.first[other])


@within
def clash(facts: Facts, hands: Hands, person: int, slot: int, but: int) -> bool:
    """Does what the person holds, that slot apart, keep them from this one? As `State.clash`, a little stricter where
    two sectors are held together."""
    unit, week = facts.unit[slot], facts.week[slot]
    aside = but >= 0 and facts.week[but] == week
    if facts.most_units and not facts.apart[slot]:
        units = hands.units[person, week]
        if aside and not facts.apart[but]:
            units -= 1
        if units >= facts.most_units:
            return True
    together = 0
    for n in range(facts.overlapping.start[unit] - 1, facts.overlapping.start[unit + 1]):
        then = unit if n < facts.overlapping.start[unit] else facts.overlapping.items[n]
        for k in range(2):
            other = hands.at[person, then, k]
            if other >= 0 and other != but:
                together += 1
                if together > 1 or not facts.joined[facts.desk[slot], facts.desk[other]]:
                    return True
    employed = facts.employed[person]
    if employed or facts.first[slot]:
        row = unit + len(facts.overlapping.start) - 1 if employed else unit
        for n in range(facts.close.start[row], facts.close.start[row + 1]):
            for k in range(2):
                other = hands.at[person, facts.close.items[n], k]
                if other >= 0 and other != but and (employed or facts.first[other]):
                    return True
    if facts.first[slot] and facts.most_running:
        left = facts.week[but] if but >= 0 and facts.first[but] and hands.firsts[person, facts.week[but]] == 1 else -1
        running, before, after = 1, week - 1, week + 1
        while before >= 0 and before != left and hands.firsts[person, before]:
            running, before = running + 1, before - 1
        while after != left and hands.firsts[person, after]:
            running, after = running + 1, after + 1
        if running > facts.most_running:
            return True
    if employed:
        gone = facts.unit[but] if but >= 0 else -1
        for n in range(facts.rest_weeks.start[unit], facts.rest_weeks.start[unit + 1]):
            monday = facts.rest_weeks.items[n]
            filled = hands.filled[person, monday]
            if gone >= 0 and facts.fills[monday, gone]:
                filled -= 1
            rests = filled > 0 or facts.fills[monday, unit]
            for rest in range(facts.rests[monday], facts.rests[monday + 1]):
                cut = hands.resting[person, rest]
                if gone >= 0 and facts.rest[rest, gone]:
                    cut -= 1
                rests = rests or (cut == 0 and not facts.rest[rest, unit])
            if not rests:
                return True
    return False


@within
def worth(facts: Facts, hands: Hands, person: int, slot: int, left: int) -> int:
    """The points it costs more that the person takes a slot, or `NOBODY`'s, and leaves another, or none."""
    points = 0
    if slot >= 0:
        points += facts.cost[slot, person]
    if left >= 0:
        points -= facts.cost[left, person]
    for category in range(facts.gain.shape[1]):
        more = 0
        if slot >= 0:
            more += facts.gain[slot, category]
        if left >= 0:
            more -= facts.gain[left, category]
        if more != 0 and facts.weight[person, category] != 0:
            load = hands.load[person, category]
            low, high = facts.low[person, category], facts.high[person, category]
            outside = max(0, load + more - high, low - load - more) - max(0, load - high, low - load)
            points += facts.weight[person, category] * outside
    for change in range(2):
        changed = left if change == 0 else slot
        if changed >= 0:
            unit = facts.unit[changed]
            if facts.first[changed] and not holds_first(facts, hands, person, unit, left):
                for n in range(facts.follows.start[unit], facts.follows.start[unit + 1]):
                    if holds_first(facts, hands, person, facts.follows.items[n], left):
                        points += -facts.again if change == 0 else facts.again
    for wish in range(facts.wishes.start[person], facts.wishes.start[person + 1]):
        number = facts.wishes.items[wish]
        granted = hands.granted[number]
        after = granted
        if slot >= 0 and facts.wished[number, facts.unit[slot]]:
            after += 1
        if left >= 0 and facts.wished[number, facts.unit[left]]:
            after -= 1
        if granted > 0 and after == 0:
            points += facts.points[number]
        elif granted == 0 and after > 0:
            points -= facts.points[number]
    return points


@within
def pass_on(facts: Facts, hands: Hands, slot: int, to: int) -> None:
    """Take the slot from whoever holds it, for that person or for nobody."""
    for given in range(2):
        person = to if given else hands.holder[slot]
        more = 1 if given else -1
        unit, week = facts.unit[slot], facts.week[slot]
        if facts.free[slot]:
            if given:
                hands.place[slot] = hands.number[person]
                hands.held[person, hands.number[person]] = slot
                hands.number[person] += 1
            else:
                hands.number[person] -= 1
                last = hands.held[person, hands.number[person]]
                hands.held[person, hands.place[slot]] = last
                hands.place[last] = hands.place[slot]
        if person < 0:
            continue
        if given:
            hands.at[person, unit, 0 if hands.at[person, unit, 0] < 0 else 1] = slot
        else:
            if hands.at[person, unit, 0] == slot:
                hands.at[person, unit, 0] = hands.at[person, unit, 1]
            hands.at[person, unit, 1] = NOBODY
        for category in range(facts.gain.shape[1]):
            hands.load[person, category] += more * facts.gain[slot, category]
        if not facts.apart[slot]:
            hands.units[person, week] += more
        if facts.first[slot]:
            hands.firsts[person, week] += more
        for wish in range(facts.wishes.start[person], facts.wishes.start[person + 1]):
            if facts.wished[facts.wishes.items[wish], unit]:
                hands.granted[facts.wishes.items[wish]] += more
        if facts.employed[person]:
            for n in range(facts.rest_weeks.start[unit], facts.rest_weeks.start[unit + 1]):
                monday = facts.rest_weeks.items[n]
                if facts.fills[monday, unit]:
                    hands.filled[person, monday] += more
                for rest in range(facts.rests[monday], facts.rests[monday + 1]):
                    if facts.rest[rest, unit]:
                        hands.resting[person, rest] += more
    hands.holder[slot] = to


@compiled
def somebody(start: Whole, candidates: Whole, at_home: Whole, dice: Dice, slot: int) -> int:
    """A candidate for the slot, seldom one who would be lent; nobody when there is none."""
    number = start[slot + 1] - start[slot]
    if at_home[slot] > 0 and chance(dice) < HOME:
        number = at_home[slot]
    return candidates[start[slot] + draw(dice, number)] if number > 0 else NOBODY


@within
def kept_at(dice: Dice, points: int, heat: float) -> bool:
    """Is a move kept that costs so much more? Always when nothing; one time in three when `heat`."""
    kept: bool = points <= 0 or (points < NEVER * heat and chance(dice) < exp(-points / heat))
    return kept


@within
def given_up(facts: Facts, hands: Hands, person: int, slot: int) -> int:
    """What the person may give up to take that slot: a duty near it, one of the same kind, or any; or none."""
    number, look = hands.number[person], chance(hands.dice)
    found = NOBODY
    if number > 0 and look >= ALONE:
        first = draw(hands.dice, number)
        for n in range(number):
            other = hands.held[person, (first + n) % number]
            if look < ALONE + NEAR:
                fits = abs(facts.week[other] - facts.week[slot]) <= 1
            elif look < ALONE + NEAR + SAME:
                fits = facts.kind[other] == facts.kind[slot]
            else:
                fits = True
            if fits:
                found = other
                break
    return found


@compiled
def chains(
    facts: Facts, hands: Hands, given: Whole, moves: int, heat: float, who: Room, takes: Room, leaves: Room
) -> None:
    """Hand out `given`, by slot, to people or to nobody; then look at that many changes. One that costs `heat` points
    is kept one time in three. The last three are room to work in: who takes and leaves what, link by link."""
    start, candidates = facts.candidates.start, facts.candidates.items
    for move in range(-len(given), moves):
        links = 1
        if move < 0:
            takes[0], leaves[0] = move + len(given), NOBODY
            who[0] = given[takes[0]]
            kept = who[0] >= 0
        else:
            slot = np.int64(facts.movable[draw(hands.dice, len(facts.movable))])
            if hands.number[NOBODY] > 0 and chance(hands.dice) < HOLE:
                slot = np.int64(hands.held[NOBODY, draw(hands.dice, hands.number[NOBODY])])
            holder = np.int64(hands.holder[slot])
            points = -facts.empty[slot] if holder < 0 else 0
            takes[0] = slot
            links, kept, going = 0, False, True
            while going and links < len(who):
                # Somebody takes the slot, or what the one before gave up for it: the holder, and the circle is closed;
                # nobody, where a hole was taken; or another one, who may give up something too.
                passed, close = takes[links], links > 0 and chance(hands.dice) < CLOSE
                if close and holder < 0:
                    points += facts.empty[passed]
                    kept = True
                    break
                taker = holder if close else np.int64(somebody(start, candidates, facts.at_home, hands.dice, passed))
                going = bool(taker >= 0) and facts.cost[passed, taker] >= 0 and (close or taker != holder)
                for n in range(links):
                    going = going and who[n] != taker
                if going:
                    left = slot if close else np.int64(given_up(facts, hands, taker, passed))
                    going = not clash(facts, hands, taker, passed, left)
                    if going:
                        points += worth(facts, hands, taker, passed, left)
                        who[links], leaves[links] = taker, left
                        links += 1
                        kept = close or left < 0
                        going = not kept
                        if going and links < len(who):
                            takes[links] = left
            if kept and holder >= 0 and who[links - 1] != holder:
                points += worth(facts, hands, holder, NOBODY, slot)
            kept = kept and kept_at(hands.dice, points, heat)
        if kept:
            # What everybody leaves is nobody's first: half-way, nobody is in two places.
            for n in range(2 * links):
                gone = leaves[n] if n < links else takes[n - links]
                if gone >= 0:
                    pass_on(facts, hands, gone, NOBODY if n < links else who[n - links])


@compiled
def swaps(facts: Facts, hands: Hands, moves: int, heat: float, slots: Room, owner: Room) -> None:
    """Look at so many exchanges of all that two people hold in a week, or in two: what they hold in one week is bound
    together by the rules, so that it moves together or not at all. `slots` and `owner` are room to work in."""
    start, candidates = facts.candidates.start, facts.candidates.items
    for _ in range(moves):
        slot = np.int64(facts.movable[draw(hands.dice, len(facts.movable))])
        one = np.int64(hands.holder[slot])
        other = np.int64(somebody(start, candidates, facts.at_home, hands.dice, slot))
        count, fits = 0, one >= 0 and other >= 0 and one != other
        week = again = np.int64(facts.week[slot])
        if fits and chance(hands.dice) < OTHER_WEEK:
            whose = one if chance(hands.dice) < 0.5 else other
            if hands.number[whose] > 0:
                again = np.int64(facts.week[hands.held[whose, draw(hands.dice, hands.number[whose])]])
        for side in range(2):
            giver, taker = (one, other) if side == 0 else (other, one)
            for n in range(hands.number[giver] if fits else 0):
                held = hands.held[giver, n]
                if facts.week[held] == week or facts.week[held] == again:
                    fits = bool(facts.cost[held, taker] >= 0) and count < len(slots)
                    if not fits:
                        break
                    slots[count], owner[count] = held, giver
                    count += 1
        # Taken from both, given to the other as far as the rules allow, taken from them, given back; and once more the
        # first two when it is to be. What it costs is summed on the way back, for the few that the rules allow.
        points, step, last, given = 0, 0, 4 if fits else 0, count
        while step < last:
            for n in range(count):
                taker = one + other - owner[n]
                if step == 1 and clash(facts, hands, taker, slots[n], NOBODY):
                    given = n
                    break
                if step == 2 and n == given:
                    break
                if given == count and step == 2:
                    points -= worth(facts, hands, taker, NOBODY, slots[n])
                elif given == count and step == 3:
                    points -= worth(facts, hands, owner[n], slots[n], NOBODY)
                pass_on(facts, hands, slots[n], NOBODY if step % 2 == 0 else owner[n] if step == 3 else taker)
            step += 1
            if step == 4 and given == count and kept_at(hands.dice, points, heat):
                last = 6
