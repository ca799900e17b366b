"""The embedded server keeps what was committed, whoever dies."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from maillage_kit.embedded_postgres import EmbeddedPostgres, bin_dir, ensure_running


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not tmp_path: pytest closes its folders to other accounts, and as root the server runs as another account.
    with tempfile.TemporaryDirectory(prefix="maillage-pg-test-", ignore_cleanup_errors=True) as name:
        path = Path(name)
        yield path
        for pid in path.rglob("postmaster.pid"):
            EmbeddedPostgres(pid.parent.parent).stop(force=True)


def answers(uri: str) -> bool:
    try:
        with psycopg.connect(uri, connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def rows(uri: str) -> int:
    with psycopg.connect(uri) as connection:
        row = connection.execute("select count(*) from kept").fetchone()
        assert row is not None
        return int(row[0])


def keep_a_row(uri: str) -> None:
    with psycopg.connect(uri) as connection:
        connection.execute("create table if not exists kept (n int)")
        connection.execute("insert into kept values (1)")


def postmaster(folder: Path) -> int:
    return int((folder / "data/postmaster.pid").read_text().split()[0])


def holder(folder: Path) -> subprocess.Popen[str]:
    """Another process that holds the server until its standard input closes."""
    code = (
        "import sys; from pathlib import Path; from maillage_kit.embedded_postgres import EmbeddedPostgres\n"
        f"with EmbeddedPostgres(Path({str(folder)!r}), fast=True) as server:\n"
        "    print(server.uri, flush=True); sys.stdin.read()"
    )
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_starts_with_its_settings_and_stops(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    uri = server.start()
    with psycopg.connect(uri) as connection:
        names = (
            "max_connections",
            "max_locks_per_transaction",
            "fsync",
            "synchronous_commit",
            "listen_addresses",
            "server_encoding",
            "TimeZone",
        )
        settings = connection.execute("select name, setting from pg_settings where name = any(%s)", [list(names)])
        found: dict[str, str] = dict(settings.fetchall())
        major = connection.info.server_version // 10000
    assert major == 18
    assert found == {
        "max_connections": "200",
        "max_locks_per_transaction": "1024",
        "fsync": "on",
        "synchronous_commit": "on",
        "listen_addresses": "",
        "server_encoding": "UTF8",
        "TimeZone": "UTC",
    }
    assert server.start() == uri
    server.stop()
    assert not answers(uri)
    server.stop()


def test_without_a_folder_it_is_fast_and_leaves_nothing() -> None:
    server = EmbeddedPostgres(None)
    with psycopg.connect(server.start()) as connection:
        assert connection.execute("show fsync").fetchone() == ("off",)
    server.stop()
    assert not server.data_dir.exists()


def test_two_processes_share_it_and_the_last_stops_it(folder: Path) -> None:
    with holder(folder) as first, holder(folder) as second:
        assert first.stdin and first.stdout and second.stdin and second.stdout
        uri = first.stdout.readline().strip()
        assert second.stdout.readline().strip() == uri
        pid = postmaster(folder)
        first.stdin.close()
        first.wait(30)
        assert answers(uri)
        assert postmaster(folder) == pid
        second.stdin.close()
        second.wait(30)
        assert not answers(uri)


def test_killing_the_process_that_started_it_leaves_it_to_the_others(folder: Path) -> None:
    with holder(folder) as first, holder(folder) as second:
        assert first.stdout and second.stdin and second.stdout
        uri = first.stdout.readline().strip()
        second.stdout.readline()
        keep_a_row(uri)
        first.kill()
        first.wait(30)
        assert rows(uri) == 1
        second.stdin.close()
        second.wait(30)
        assert not answers(uri)


def test_kill_9_of_the_server_keeps_committed_rows(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    keep_a_row(server.start())
    with closing(psycopg.connect(server.uri)):
        os.kill(postmaster(folder), signal.SIGKILL)
        assert rows(server.start()) == 1
    server.stop()


def test_a_pid_file_whose_number_went_to_another_program_does_not_block(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    keep_a_row(server.start())
    pid_file = folder / "data/postmaster.pid"
    os.kill(postmaster(folder), signal.SIGKILL)
    owner = pid_file.stat()
    with subprocess.Popen(["sleep", "60"], user=None if os.geteuid() else owner.st_uid) as other:
        try:
            lines = pid_file.read_text().split("\n")
            pid_file.write_text("\n".join([str(other.pid), *lines[1:]]))
            assert rows(server.start()) == 1
        finally:
            other.kill()
    server.stop()


def test_a_path_too_long_for_a_socket(folder: Path) -> None:
    server = EmbeddedPostgres(folder / ("d" * 60) / "with a space and 'quotes'" / ("e" * 60), fast=True)
    uri = server.start()
    assert answers(uri)
    assert len(str(server.socket_dir)) < 80
    server.stop()
    assert not server.socket_dir.exists()


def test_ensure_running_is_held_until_the_process_ends(folder: Path) -> None:
    uri = ensure_running(folder, fast=True)
    assert ensure_running(folder, fast=True) == uri
    EmbeddedPostgres(folder).stop()
    assert answers(uri)
    EmbeddedPostgres(folder).stop(force=True)
    assert not answers(uri)
    assert answers(ensure_running(folder, fast=True))


def test_the_client_programs_are_there() -> None:
    for name in ("pg_dump", "pgbench", "psql", "pg_basebackup"):
        version = subprocess.run([bin_dir() / name, "--version"], capture_output=True, text=True, check=True).stdout
        assert " 18." in version
