"""The product's own processes, for tests that stop them without warning."""

import contextlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from maillage_kit.http_client import authorities
from maillage_kit.testing.loaded import Forked, loaded

PATIENCE_SECONDS = 120
"""How long a process may take to start; a loaded machine is slow, not wrong."""


class Process:
    """`python -m` with a command, and everything that it starts; what it says goes to `log`."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], log: Path, *, answers: str | None = None
    ) -> None:
        self._command, self._environment, self._log, self._answers = list(command), dict(environment), log, answers
        self._process: Forked | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    def start(self) -> None:
        """Come back once its address `answers`, at once without one. Raises AssertionError with its last words when it
        stops first, or takes longer than PATIENCE_SECONDS."""
        self._process = loaded().start(self._command, self._environment, self._log)
        patience = time.monotonic() + PATIENCE_SECONDS
        while self._answers is not None:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(self._answers, timeout=5, verify=authorities())
                return
            assert self.running and time.monotonic() < patience, self._log.read_text(errors="replace")[-3000:]
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL to the process and to what it started; nothing when it does not run."""
        if self._process is not None:
            self._process.kill()
        self._process = None
