"""A process that has loaded the product and starts others by forking: each of them has it at once.

Loading takes two to five seconds of processor, more than most tests that start a server. What runs in the child is the
command as the shell would run it, in a session of its own, with its environment, arguments and output; only the
imports are not made again. Production's server starts its processes the same way (`maillage_app.cli.serve`).
"""

import json
import os
import runpy
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path

from maillage_kit.loading import loading

PRODUCT = ("granian.cli", "maillage_app.app", "maillage_app.cli.serve", "maillage_app.worker")


class Forked:
    """A process that a `Loaded` started, the first of a session."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    @property
    def running(self) -> bool:
        try:
            os.kill(self._pid, 0)
        except ProcessLookupError:
            return False
        return True

    def kill(self) -> None:
        """SIGKILL to it and to what it started; come back once it is gone."""
        for kill in (os.killpg, os.kill):  # it may not lead its group yet
            with suppress(ProcessLookupError):
                kill(self._pid, signal.SIGKILL)
        while self.running:
            time.sleep(0.002)


class Loaded:
    """A line of JSON on its input for each process that it shall start, a line with its number on its output."""

    def __init__(self) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MAILLAGE_")}
        command = [sys.executable, "-m", "maillage_kit.testing.loaded"]
        self._process = subprocess.Popen(command, env=clean, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> Forked:
        """Run `python -m` with that command, its output at the end of `log`. Comes back at once; the process leads a
        session of its own. Raises RuntimeError when the process that forks has ended."""
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answers is not None
        asked.write(json.dumps({"command": list(command), "environment": dict(environment), "log": str(log)}) + "\n")
        asked.flush()
        answer = answers.readline()
        if not answer:
            raise RuntimeError("the process that starts the others has ended")
        return Forked(int(answer))


@cache
def loaded() -> Loaded:
    """The one of this process; it ends with it."""
    return Loaded()


def _main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who ends is gone: nobody waits for it
    with loading():
        for name in PRODUCT:
            import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        if (pid := os.fork()) == 0:
            _become(asked["command"], asked["environment"], Path(asked["log"]))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _become(command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    """The process that was asked for; never comes back."""
    code = 1
    try:
        os.setsid()  # Linux shares processors between sessions: the product has its own, beside the tests
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        with Path(os.devnull).open("rb") as nothing, log.open("ab") as said:
            os.dup2(nothing.fileno(), 0)
            for number in (1, 2):
                os.dup2(said.fileno(), number)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = list(command)
        runpy.run_module(command[0], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _main()
