"""Simulated annealing: millions of small changes to a whole plan, each kept when it is better, or worse by chance.

How much worse is kept falls from "a unit outside the fair band" to "nothing" while it runs, so that first the loads
settle, then who is lent, then the wishes. It finds in seconds what neighbourhoods solved one by one find in minutes,
and proves nothing: `search` goes on from there. Deterministic. Compiled by numba, once on a machine.

A change is a chain: a slot passes to somebody, who may give up another one for it, which passes to the next one or to
whoever held the first. An empty slot may be taken for one that is left empty instead: holes wander until they close.
"""

from collections.abc import Callable, Iterator, Sequence
from math import exp
from threading import Thread
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from maillage_tenants.rota.solver.arrays import NOBODY, Dice, Facts, Hands, Whole, empty_hands, facts_of
from maillage_tenants.rota.solver.linear import LOOK_SECONDS
from maillage_tenants.rota.solver.problem import Plan, Problem
from maillage_tenants.rota.solver.state import State

Room = NDArray[np.int64]


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


LINKS = 3
"""People at most who take something in one change."""
HOT, COLD = 5.0, 0.25
"""Points of a change that is kept one time in three, at first and at last, where a unit outside the band has 20."""
PARTS, LOOKS = 400, 10
"""In how many parts, each with its heat; how many plans are shown."""
EMPTY = 4
"""An empty slot weighs as much as that many units outside the dearest band: holes still wander while it is hot."""

HOME, HOLE = 0.9, 0.03
"""Share of the draws that look at people at home; at holes."""
CLOSE = 0.55
"""Share of what is given up for a slot that goes to its holder, or stays empty if it was."""
ALONE, NEAR, SAME = 0.1, 0.55, 0.2
"""Share of the takers who give up nothing; something near in time, so that the rules allow it; something of the same
kind, so that their loads stay. The rest give up anything."""
NEVER = 20.0
"""A change that costs so many times the heat is not worth a throw of the dice."""


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
def change(
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
            kept = kept and (points <= 0 or (points < NEVER * heat and chance(hands.dice) < exp(-points / heat)))
        if kept:
            # What everybody leaves is nobody's first: half-way, nobody is in two places.
            for n in range(2 * links):
                if n < links and leaves[n] >= 0:
                    pass_on(facts, hands, leaves[n], NOBODY)
                elif n >= links:
                    pass_on(facts, hands, takes[n - links], who[n - links])


def annealed(
    problem: Problem, state: State, movable: Sequence[int], *, changes: int, seed: int
) -> Iterator[Plan | None]:
    """Look at so many changes of the movable slots, beginning with `state`, which is left as it was. Gives the plan as
    it is `LOOKS` times, the last one at the end: each keeps every hard rule, and they are the same on any machine. In
    between gives None several times a second, so that whoever asks may stop; also while the compiler is at work, ten
    seconds, once on a machine."""
    if not movable:
        return
    dearest = max(problem.band_weight.values(), default=0)
    usual = sorted(points for points in problem.band_weight.values() if points) or [1]
    facts = facts_of(problem, movable, empty=EMPTY * max(dearest, 1))
    hands = empty_hands(problem, facts, seed)
    given = np.array([state.plan.get(slot, NOBODY) for slot in range(len(problem.slots))], np.int32)
    room = tuple(np.zeros(LINKS, np.int64) for _ in range(3))
    compiling = Thread(target=change, args=(facts, hands, given[:0], 0, HOT, *room), daemon=True)
    compiling.start()
    while compiling.is_alive():
        compiling.join(LOOK_SECONDS)
        yield None
    for part in range(PARTS):
        heat = HOT * (COLD / HOT) ** (part / (PARTS - 1)) * usual[len(usual) // 2] / 20
        change(facts, hands, given, changes // PARTS, heat, *room)
        given = given[:0]
        if (part + 1) % (PARTS // LOOKS):
            yield None
        else:
            yield {slot: person for slot, person in enumerate(hands.holder.tolist()) if person != NOBODY}
