"""What one call or request said to the database, said again with other keys: a pgbench script (replay.py)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bench import replay
from bench.common import Figures, median

from maillage_kit.context import TenantRef


@dataclass(frozen=True)
class Recorded:
    """What was sent to the database between two instants for one cooperative: the steps of each request, by its name.

    `names`: texts that belong to that one alone → SQL for another's (`:id0` is a new key, `:tenant` the number of the
    cooperative drawn).
    """

    tenant: TenantRef
    began_ms: int
    ended_ms: int
    names: Mapping[str, str]
    requests: Mapping[str, list[replay.Step]]

    def script(self, kinds: Sequence[str], *, tenants: int | None, numbered: bool = False) -> str:
        """These requests as pgbench says them, with keys that were never used: of a random cooperative among `tenants`,
        of the same one and of the same things when that is None. `numbered`: they draw a number from its counter."""
        steps = [step for kind in kinds for step in self.requests[kind]]
        if tenants is None:
            return replay.script(steps, self._present)
        drawn = _Drawn(self, steps)
        gather = {"set_config('role'": ", ".join(f"uuidv7() as id{n}" for n in range(drawn.how_many_ids))}
        if numbered:
            gather["INSERT INTO number_counter"] = ""
        return replay.script(steps, drawn.words, before=f"\\set tenant random(1, {tenants})", gather=gather)

    def _present(self, value: Any) -> str | None:
        return "now()" if isinstance(value, datetime) and self.holds(value.timestamp() * 1000) else None

    def holds(self, ms: float) -> bool:
        return self.began_ms <= ms <= self.ended_ms


class _Drawn:
    """SQL for what differs from one to the next: cooperative, keys, names, fingerprints, number, the present. `:id0` is
    for the names; the others are the keys that the application draws."""

    def __init__(self, one: Recorded, steps: Sequence[replay.Step]) -> None:
        self._one = one
        self._ids: dict[UUID, str] = {}
        self._prints: dict[str, str] = {}
        for value in (value for step in steps for values in step.values for value in values.values()):
            if isinstance(value, UUID) and self._is_new(value):
                self._ids.setdefault(value, f":id{len(self._ids) + 1}")
            elif isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value):
                self._prints.setdefault(value, f"md5('{len(self._prints)}' || :id0::text) || md5(:id0::text)")

    @property
    def how_many_ids(self) -> int:
        return len(self._ids) + 1

    def words(self, value: Any) -> str | None:
        match value:
            case UUID() if value in self._ids:
                return f"{self._ids[value]}::uuid"
            case datetime() if self._one.holds(value.timestamp() * 1000):
                return "now()"
            case str() if value == self._one.tenant.role:
                return f"'{value[:-4]}' || lpad(:tenant::text, 4, '0')"
            case str() if value == self._one.tenant.schema:
                return "'t' || lpad(:tenant::text, 4, '0')"
            case str() if value in self._prints:
                return self._prints[value]
            case str() if found := re.fullmatch(r"([A-Z]-\d{4}-)\d{6}", value):
                return f"'{found[1]}' || lpad(:last::text, 6, '0')"
            case str():
                return self._within(value)
            case _:
                return None

    def _within(self, text: str) -> str | None:
        """A text that holds names or keys of this one: the same with others."""
        names = {**self._one.names} | {str(key): f"{variable}::text" for key, variable in self._ids.items()}
        pieces = re.split("(" + "|".join(map(re.escape, names)) + ")", text)
        if len(pieces) == 1:
            return None
        return " || ".join(names.get(piece) or replay.literal(piece) for piece in pieces if piece)

    def _is_new(self, key: UUID) -> bool:
        return key.version == 7 and self._one.holds(key.int >> 80)


def sql_figures(recorded: Sequence[Recorded]) -> Figures:
    """How much the application says to the database for each request: medians over those recorded."""
    kinds = dict.fromkeys(kind for one in recorded for kind in one.requests)
    found: Figures = {}
    for kind in kinds:
        each = [one.requests[kind] for one in recorded if kind in one.requests]
        found[kind] = {
            "statements": median([sum(len(step.values) for step in steps) for steps in each]),
            "round_trips": median([replay.round_trips(steps) for steps in each]),
        }
    return found
