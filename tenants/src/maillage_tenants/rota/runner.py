"""One solving from the worker: a process of its own, watched line by line, one short transaction for each news.

The worker's loop only waits here, so its other tasks go on. A worker that dies closes the process's input, which ends
it; the task comes back to another worker and the search begins again, from the same facts and seed.
"""

import asyncio
import gzip
import sys
import time
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
import structlog

from maillage_hooks import TradeRegistry
from maillage_kit.context import CooperativeContext
from maillage_kit.db import Database
from maillage_tenants.rota import queries_planning
from maillage_tenants.rota.models_planning import SolveRun
from maillage_tenants.rota.service import solving
from maillage_tenants.rota.solver.reports import (
    BOUND_SHARE,
    MOST_BOUND_SECONDS,
    Asked,
    Given,
    Solved,
    Told,
)

log = structlog.get_logger(__name__)
MODULE = "maillage_tenants.rota.solver.process"
LONGEST_LINE = 2**27
LOOK_SECONDS = 1.0
"""How often progress is written, and whether somebody asked to stop is looked at."""
STOP_SECONDS = 15.0
"""A search that was told to stop and has not ended by then is ended; its best plan so far is kept."""
STOPPED = "stopped"
ENDED_EARLY = "Calcul arrêté avant d’avoir rien trouvé."
BROKEN = "Le calcul s’est arrêté sur une erreur. Relancez-le ; si elle revient, prévenez l’exploitant."


async def run(database: Database, *, cooperative: CooperativeContext, trades: TradeRegistry, run_id: UUID) -> None:
    """Search until the end, the budget or the person says so, and keep what was found. Harmless when it is over."""
    async with database.tenant(cooperative.tenant) as session:
        row = await solving.begin(session, run_id=run_id)
        first = (
            await queries_planning.get_run(session, run_id=row.replays_id)
            if row is not None and row.replays_id is not None
            else row
        )
    if row is None or first is None:
        return
    watch = _Watch(database, cooperative, row)
    try:
        solved = await watch.search(_asked(row, first))
    except Exception:
        log.exception("rota_solve_failed", run=str(run_id))
        solved = None
    async with database.tenant(cooperative.tenant) as session:
        if solved is not None:
            await solving.keep(
                session,
                run_id=run_id,
                trades=trades,
                given=solved.given,
                result=_result(solved),
                ended_why=solved.ended,
                elapsed=solved.seconds,
                steps=solved.steps,
                slots=solved.slots,
                uncovered=solved.uncovered,
                points=solved.points,
                bound=solved.bound,
                spread=solved.spread,
                digest=solved.digest,
            )
        elif watch.best is not None:
            await solving.keep(session, run_id=run_id, trades=trades, given=watch.best, result={}, ended_why=STOPPED)
        else:
            why = BROKEN if watch.stop_told is None else ENDED_EARLY
            await solving.fail(session, run_id=run_id, why=why)


def _asked(row: SolveRun, first: SolveRun) -> Asked:
    """A search done again has the same time for its proof as the first one had, and as many iterations of it."""
    return Asked(
        row.kind,
        float(row.seconds),
        row.seed,
        row.most_steps,
        min(first.seconds * BOUND_SHARE, MOST_BOUND_SECONDS),
        *((first.result or {}).get(name) if first is not row else None for name in ("bound_iterations", "changes")),
    )


def _result(solved: Solved) -> dict[str, Any]:
    """What the page tells, besides the figures: the plan itself is in the draft."""
    plain: dict[str, Any] = msgspec.to_builtins(solved)
    return {name: plain[name] for name in ("holes", "least", "moves", "lost", "fewest", "bound_iterations", "changes")}


@dataclass
class _Watch:
    """The process of one run, as seen by the worker."""

    database: Database
    cooperative: CooperativeContext
    row: SolveRun
    best: tuple[Given, ...] | None = None
    figures: dict[str, Any] = field(default_factory=dict)
    stop_told: float | None = None

    async def search(self, asked: Asked) -> Solved | None:
        """What the process found; None when it had to be ended. Raises RuntimeError when it broke."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", MODULE, stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=LONGEST_LINE
        )
        try:
            async with asyncio.TaskGroup() as group:
                complaints = group.create_task(_tail(process))
                look = group.create_task(self._look(process))
                solved = await self._listen(process, asked)
                look.cancel()
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
        if solved is None and self.stop_told is None:
            raise RuntimeError(f"the solver ended with {process.returncode}: {complaints.result()}")
        return solved

    async def _listen(self, process: Process, asked: Asked) -> Solved | None:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(msgspec.json.encode(asked) + b"\n" + gzip.decompress(self.row.instance) + b"\n")
        async for line in process.stdout:
            told = msgspec.json.decode(line, type=Told)
            if told.plan is not None:
                self.best = told.plan
            if told.covered is not None:
                self.figures = {
                    "elapsed": 0.0,
                    "steps": 0,
                    "slots": told.covered.slots,
                    "uncovered": told.covered.uncovered,
                    "points": None,
                    "bound": None,
                    "spread": None,
                }
            if (progress := told.progress) is not None:
                self.figures = {
                    "elapsed": progress.seconds,
                    "steps": progress.steps,
                    "slots": told.slots,
                    "uncovered": progress.uncovered,
                    "points": progress.points,
                    "bound": progress.bound,
                    "spread": progress.spread,
                }
            if told.done is not None:
                return told.done
        return None

    async def _look(self, process: Process) -> None:
        """Write the news, pass a stop on, end a process that does not stop by itself."""
        assert process.stdin is not None
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            async with self.database.tenant(self.cooperative.tenant) as session:
                if self.figures:
                    await solving.note_progress(session, run_id=self.row.id, **self.figures)
                    self.figures = {}
                stop = await queries_planning.stop_asked(session, run_id=self.row.id)
            if stop and self.stop_told is None:
                self.stop_told = time.monotonic()
                process.stdin.write(b"stop\n")
            if self.stop_told is not None and time.monotonic() - self.stop_told > STOP_SECONDS:
                process.kill()
                return


async def _tail(process: Process) -> str:
    """The last words of a process that breaks."""
    assert process.stderr is not None
    last = b""
    while more := await process.stderr.read(4096):
        last = (last + more)[-2000:]
    return last.decode(errors="replace")
