"""The processor time that the benches count: children that end while they are read do not make it nothing."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest


def test_a_child_that_ends_while_it_is_read_is_counted_by_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(os.fspath(Path(__file__).parents[2]))
    from bench.common import Cpu

    here = Cpu(os.getpid())
    busy = "import time\nwhile time.process_time() < 0.3: pass"
    before = here.seconds()
    subprocess.run([sys.executable, "-c", busy], check=True)
    ended = psutil.Popen([sys.executable, "-c", "pass"])
    ended.wait()
    listed, looks = psutil.Process.children, []

    def late(process: psutil.Process, recursive: bool = False) -> list[Any]:
        looks.append(process)
        return listed(process, recursive) if len(looks) > 1 else [ended]

    monkeypatch.setattr(psutil.Process, "children", late)
    assert here.seconds() - before >= 0.3
    assert len(looks) == 2


def test_nobody_has_used_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(os.fspath(Path(__file__).parents[2]))
    from bench.common import Cpu

    ended = subprocess.Popen([sys.executable, "-c", "pass"])
    ended.wait()
    assert Cpu(ended.pid).seconds() == 0.0
