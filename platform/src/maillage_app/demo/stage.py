"""What the demo starts first: the server and PostgreSQL.

Little is imported here. The server takes as long to load the application as the demo does: both do at once. Should the
server be ready before PostgreSQL is, it waits: one process at a time starts the embedded server of a folder.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from maillage_app.demo.processes import Application, DemoPlace, application, database, demo_place

CUSTOMERS = 2_000
OPENED_AT = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked. `short`: the core of the night only. `keep`: the night of last time, not a new one."""

    folder: Path
    customers: int = CUSTOMERS
    short: bool = False
    keep: bool = False
    port: int | None = None


@dataclass(slots=True)
class Steps:
    """Tells where the demo stands, and how long each step took."""

    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, code: str, label: str) -> Iterator[None]:
        task = self.progress.add_task(label, total=None)
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[code] = round(self.seconds.get(code, 0) + time.monotonic() - began, 2)
            self.progress.update(task, total=1, completed=1)

    def end(self) -> None:
        """Nothing more will be shown. May be said twice."""
        if self.progress.live.is_started:
            self.progress.stop()

    @contextmanager
    def counted(self, code: str, label: str, total: int) -> Iterator[Callable[[str], None]]:
        """The same with a count; call what is given after each, with the words to show."""
        task = self.progress.add_task(label, total=total)
        began = time.monotonic()

        def one_more(words: str) -> None:
            self.progress.update(task, advance=1, description=words)

        try:
            yield one_more
        finally:
            self.seconds[code] = round(time.monotonic() - began, 2)
            self.progress.update(task, description=label)


def progress_on(console: Console) -> Progress:
    """The progress display: a live one on a terminal, the steps alone elsewhere."""
    return Progress(
        SpinnerColumn(finished_text="[green]✓[/green]"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo is played: the database answers, the server is on its way."""

    options: Options
    place: DemoPlace
    owner_url: str
    application: Application
    steps: Steps


@contextmanager
def staged(options: Options, console: Console) -> Iterator[Stage]:
    """PostgreSQL and the server started; everything is stopped with the context. Raises DemoError."""
    with ExitStack() as stack:
        stack.enter_context(_signals_stop_properly())
        place = stack.enter_context(
            demo_place(options.folder, port=options.port, keep=options.keep, starts_at=OPENED_AT)
        )
        steps = Steps(progress_on(console))
        steps.progress.start()
        stack.callback(steps.end)
        processes = stack.enter_context(application(place))
        processes.start("server")  # it will look for its database after a second or two
        with steps.step("postgres", "PostgreSQL"):
            owner_url = stack.enter_context(database(place))
        stack.callback(processes.stop)  # before PostgreSQL
        yield Stage(options, place, owner_url, processes, steps)


@contextmanager
def _signals_stop_properly() -> Iterator[None]:
    """`kill` stops the demo as properly as Ctrl-C does, also when a script started it in the background."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        signal.raise_signal(signal.SIGINT)

    before = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, stop),
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
