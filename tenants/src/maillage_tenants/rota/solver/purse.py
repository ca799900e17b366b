"""Where the effort goes: to what gained most for it lately, in neighbourhoods that are still solved to the end."""

from collections.abc import Collection
from random import Random

HOPE = 20.0
"""Points for a unit of effort that every kind of step is trusted with at first."""
FAIR_CHANCE = 2.0
"""The same, always, beside what it gained lately."""
MOST_GAIN = 200.0
"""A step that gained more counts as this: the first ones fill holes, which nothing later can equal."""
MEMORY = 0.85
PROVING = 0.1
"""Share of the effort that goes into the proof at most."""
SMALLEST, LARGEST = 120.0, 900.0
"""Slots of a neighbourhood."""
EASY = {"people": 480.0}
"""To begin with, where as many are solved at once. Other kinds begin with the least, twice as many when lean."""
BRISK = 0.3
"""A neighbourhood solved to the end with less effort may soon be larger."""
LEAST = 0.1
"""Effort that a step costs beside the solver's."""
PROOF = "proof"


class Purse:
    """What each kind of step gained and cost lately, by name; how many slots its neighbourhoods should have."""

    def __init__(self, names: Collection[str]) -> None:
        self._rate = dict.fromkeys(names, HOPE)
        self._effort = dict.fromkeys(names, 1.0)
        self._spent = dict.fromkeys(names, 0.0)
        self._size = {
            (name, lean): EASY.get(name, SMALLEST * (2 if lean else 1)) for name in names for lean in (True, False)
        }

    def choose(self, random: Random, among: Collection[str]) -> str:
        """One of these kinds, so that each gets effort in proportion to what it gains for it. The proof waits when it
        has had its share."""
        proved_enough = self._spent.get(PROOF, 0.0) > PROVING * sum(self._spent.values())
        names = [name for name in among if name != PROOF or not proved_enough]
        return random.choices(names, [(self._rate[name] + FAIR_CHANCE) / self._effort[name] for name in names])[0]

    def size(self, name: str, *, lean: bool) -> int:
        return round(self._size[name, lean])

    def learn(self, name: str, *, lean: bool, gain: float, effort: float, to_the_end: bool) -> None:
        """A step of this kind gained so many points; it was solved `to_the_end`, or ended by its effort."""
        cost = LEAST + effort
        self._spent[name] += effort
        self._rate[name] = MEMORY * self._rate[name] + (1 - MEMORY) * min(gain, MOST_GAIN) / cost
        self._effort[name] = MEMORY * self._effort[name] + (1 - MEMORY) * cost
        size = self._size[name, lean]
        if not to_the_end:
            size = max(SMALLEST / 2, size * 0.85)
        elif effort < BRISK:
            size = min(LARGEST, size * 1.3)
        elif not gain:
            size = min(LARGEST, size * 1.04)
        self._size[name, lean] = size
