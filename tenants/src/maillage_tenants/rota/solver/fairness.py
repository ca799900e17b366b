"""Fair shares: a desk's demand is shared among those at home there, in proportion to their engagement (R53, R64).

Somebody at home at several desks gives each a part of one engagement, and what was done beyond the share in earlier
semesters counts as done already. Both follow from one principle: loads, carry-over included, as even as the desks allow
in proportion to the engagements, which is the minimum of the sum of load² / engagement.
"""

from collections.abc import Callable, Mapping

SWEEPS = 400
PRECISION = 1e-7


def shares(
    demand: Mapping[int, float],
    pools: Mapping[int, Mapping[int, float]],
    carried: Callable[[int], float],
) -> dict[int, float]:
    """By person, the fair number of units. `demand`: by desk. `pools`: by desk, the engagement each person brings.

    Guaranteed: never negative; they add up to the demand of the desks that have anybody (to 1e-4); at one desk without
    carry-over they are the exact proportion. Deterministic.
    """
    given: dict[int, dict[int, float]] = {desk: dict.fromkeys(pool, 0.0) for desk, pool in pools.items()}
    load: dict[int, float] = {}
    engagement: dict[int, float] = {}
    for pool in pools.values():
        for person, amount in pool.items():
            load.setdefault(person, carried(person))
            engagement[person] = max(engagement.get(person, 0.0), amount)
    for _ in range(SWEEPS):
        moved = 0.0
        for desk, own in given.items():
            others = {person: load[person] - own[person] for person in own}
            fresh = _level(demand[desk], others, engagement)
            for person, share in fresh.items():
                moved = max(moved, abs(share - own[person]))
                load[person] = others[person] + share
            given[desk] = fresh
        if moved < PRECISION:
            break
    total: dict[int, float] = {}
    for own in given.values():
        for person, share in own.items():
            total[person] = total.get(person, 0.0) + share
    return {person: round(share, 5) for person, share in sorted(total.items())}


def _level(amount: float, loads: Mapping[int, float], engagement: Mapping[int, float]) -> dict[int, float]:
    """Pour `amount` so that (load + share) / engagement is the same for all who get any, and nobody else is below."""
    order = sorted(loads, key=lambda person: (loads[person] / engagement[person], person))
    weight = base = 0.0
    level = 0.0
    for position, person in enumerate(order):
        weight += engagement[person]
        base += loads[person]
        level = (amount + base) / weight
        following = order[position + 1] if position + 1 < len(order) else None
        if following is None or level <= loads[following] / engagement[following]:
            break
    return {person: max(0.0, level * engagement[person] - loads[person]) for person in loads}
