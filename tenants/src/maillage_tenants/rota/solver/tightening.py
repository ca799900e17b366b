"""Rows that every plan keeps anyway, and half a duty here and half a duty there would not.

They forbid nothing. Without them the relaxation lets somebody serve halves of duties for nothing, where whole ones
would break a rule or be the same kind again: the proof stays far below what can be, and CP-SAT looks long. Each is
proven in docs/rota-model.md, "Rows for fractions".
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from maillage_tenants.rota.solver.problem import Problem

AtMost = Callable[[Sequence[int], Sequence[int], int], None]
"""Add a row: coefficients, variables, and what the sum never exceeds."""


class Tightening:
    """The rows of one person who holds nothing yet in the semester, and never two places at a time.

    Variables by unit: `first`, duties at rank 1; `every`, of any rank; `resting`, those that count for rest.
    `again[unit, other]`: 1 when both are held at rank 1, the same kind two weeks running."""

    def __init__(
        self,
        problem: Problem,
        person: int,
        *,
        first: Mapping[int, Sequence[int]],
        every: Mapping[int, Sequence[int]],
        resting: Mapping[int, Sequence[int]],
        again: Mapping[tuple[int, int], int],
        at_most: AtMost,
    ) -> None:
        self.problem, self.at_most = problem, at_most
        self.first, self.every, self.resting = first, every, resting
        self.busy = problem.weeks_before.get(person, set())
        self.any_rank = problem.people[person].employed
        close = problem.close_units(person)
        self.never = {unit: (close[unit] | problem.overlapping[unit]) & first.keys() for unit in first}
        self.again = again
        self.paid = {pair: paid for (one, other), paid in again.items() for pair in ((one, other), (other, one))}

    def never_or_again(self) -> None:
        """Of units that each cannot be held beside the others, or are the same kind again: one, and one more for each
        time that this is paid."""
        near = {unit: set(others) for unit, others in self.never.items()}
        for one, other in self.paid:
            near[one].add(other)
        groups: set[frozenset[int]] = set()
        for one, other in self.again:
            groups.update(_largest(frozenset((one, other)), near[one] & near[other], set(), near))
        for group in sorted(groups, key=sorted):
            if len(group) == 2:
                continue
            literals: list[int] = []
            for unit in sorted(group):
                alone = not any((unit, other) in self.paid for other in group)
                literals += self.resting[unit] if self.any_rank and alone else self.first[unit]
            paid = [paid for pair, paid in self.again.items() if group.issuperset(pair)]
            self.at_most([1] * len(literals) + [-1] * len(paid), [*literals, *paid], 1)

    def alone_in_its_week(self) -> None:
        """A unit that no other of its week goes with, at rank 1, fills the week as far as these are concerned."""
        most = self.problem.instance.rules.max_units_a_week
        for units in self._by_week().values():
            counted = [unit for unit in units if not self.problem.units[unit].apart]
            if most < 2 or len(counted) < 3:
                continue
            for unit in counted:
                others = [other for other in counted if other != unit]
                if self.never[unit].issuperset(others):
                    own = self.first[unit]
                    rest = [literal for other in others for literal in self.first[other]]
                    rest += [literal for literal in self.every[unit] if literal not in own]
                    self.at_most([most] * len(own) + [1] * len(rest), [*own, *rest], most)

    def three_weeks(self) -> None:
        """Of a week and one unit in each week beside it: two, where two weeks may run and two units make a week. Two in
        the middle leave room for a third only if it is the same kind again."""
        rules = self.problem.instance.rules
        if rules.max_weeks_running != 2 or rules.max_units_a_week != 2:
            return
        weeks = self._by_week()
        for week in sorted(weeks):
            if any(other in self.busy or other not in weeks for other in (week - 1, week, week + 1)):
                continue
            middle = [unit for unit in weeks[week] if not self.problem.units[unit].apart]
            pairs = [(one, other) for one, other in combinations(middle, 2) if other not in self.never[one]]
            if not pairs:
                continue
            before, after = (self._third(weeks[other], pairs) for other in (week - 1, week + 1))
            for one, paid in before:
                for other, paid_too in after:
                    literals = [
                        literal for unit in (*sorted(one), *middle, *sorted(other)) for literal in self.first[unit]
                    ]
                    paid_for = sorted(paid | paid_too)
                    self.at_most([1] * len(literals) + [-1] * len(paid_for), [*literals, *paid_for], 2)

    def _third(
        self, units: Iterable[int], pairs: Iterable[tuple[int, int]]
    ) -> list[tuple[frozenset[int], frozenset[int]]]:
        """Of these units, sets of which one at most is held, each beside none of the pairs unless it is paid; and what
        pays."""
        pays: dict[int, set[int]] = {}
        for unit in units:
            free = [pair for pair in pairs if not self.never[unit].intersection(pair)]
            paid = [[self.paid[unit, other] for other in pair if (unit, other) in self.paid][:1] for pair in free]
            if all(paid):
                pays[unit] = {one for each in paid for one in each}
        near = {unit: self.never[unit] & pays.keys() for unit in pays}
        groups = _largest(frozenset(), set(pays), set(), near) if pays else ()
        return [(group, frozenset().union(*(pays[unit] for unit in group))) for group in groups]

    def _by_week(self) -> dict[int, list[int]]:
        weeks: dict[int, list[int]] = defaultdict(list)
        for unit in sorted(self.first):
            weeks[self.problem.units[unit].week].append(unit)
        return weeks


def _largest(
    group: frozenset[int], left: set[int], gone: set[int], near: Mapping[int, set[int]]
) -> Iterator[frozenset[int]]:
    """Every largest set of units all near one another that holds `group` (Bron and Kerbosch). `left`: what may join
    it; `gone`: what could, and was looked at."""
    if not left and not gone:
        yield group
    for unit in sorted(left):
        yield from _largest(group | {unit}, left & near[unit], gone & near[unit], near)
        left = left - {unit}
        gone = gone | {unit}
