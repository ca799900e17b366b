"""Cases followed until they end: each is read again when there is reason to, and told only when it changed."""

import time
from collections.abc import Callable, Iterable, Iterator
from uuid import UUID

from maillage_client.models import Intervention
from maillage_client.operations import Operations
from maillage_client.sending import Versioned
from maillage_client.webhooks import Notice

_ENDED = ("closed/", "denied/")


class Following:
    """The cases that are followed, each with the version that was last read.

    Software that is told of changes gives each message to `told`, and needs no polling: what a message says is never
    believed, the case itself is read. `poll` looks at all of them in turn, for software without an address of its own.
    """

    def __init__(self, operations: Operations, cases: Iterable[UUID]) -> None:
        self._operations = operations
        self._seen: dict[UUID, Versioned[Intervention] | None] = dict.fromkeys(cases)

    @property
    def open(self) -> tuple[UUID, ...]:
        """Those that have not ended, as far as was read."""
        return tuple(case for case, seen in self._seen.items() if seen is None or not ended(seen.value))

    def look(self, case_id: UUID) -> Intervention | None:
        """The case when it changed since it was last read here, None otherwise."""
        seen = self._seen.get(case_id)
        now = self._operations.get_intervention(case_id, known=seen)
        self._seen[case_id] = now
        return None if now is seen else now.value

    def told(self, notice: Notice) -> Intervention | None:
        """The case that a message is about, when it is followed and changed since it was last read here; None
        otherwise. The same message once more, or late, changes nothing."""
        case_id = notice.case_id
        return self.look(case_id) if case_id is not None and case_id in self._seen else None

    def poll(self, *, every: float = 30.0, wait: Callable[[float], None] = time.sleep) -> Iterator[Intervention]:
        """Each change of each case, until all have ended; `every` so many seconds all of them are looked at."""
        while True:
            for case_id in self.open:
                changed = self.look(case_id)
                if changed is not None:
                    yield changed
            if not self.open:
                return
            wait(every)


def ended(case: Intervention) -> bool:
    """Nothing more will come: done, repaired in part, or called off."""
    return case.status.startswith(_ENDED)
