"""`./maillage test` and `./maillage lint`: everything CI runs, the same everywhere.

Every check runs even when an earlier one failed; the command fails if one did. With arguments, `test` runs pytest
alone: `./maillage test tests/unit -k money`.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryFile

import click

ROOT = Path(__file__).resolve().parents[4]
BIN = Path(sys.executable).parent

LINTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ruff check", ("ruff", "check", ".")),
    ("ruff format", ("ruff", "format", "--check", ".")),
    ("mypy", ("mypy",)),
    ("import-linter", ("lint-imports", "--no-logo")),
)

# Tests that last as long as telephones ring: they mostly wait, and want a machine that does nothing else.
IN_REAL_TIME = ("tests/sip", "tests/voice")
# Pure functions, and what the code promises of itself: a processor is all they ask for, and they may wait for it.
OF_RULES = ("tests/unit", "tests/contract", "plugins", "clients")

# What a log can hold when much fails: where, and why.
SHORT = ("--tb=short", "--show-capture=no")

# Debian package: what shows that it is there, a program or a file.
SYSTEM_PACKAGES = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "kamailio": ("kamailio",),
    "kamailio-utils-modules": ("/usr/lib/*/kamailio/modules/http_client.so",),
    "kamailio-extra-modules": ("/usr/lib/*/kamailio/modules/uuid.so",),
    "kamailio-sqlite-modules": ("/usr/lib/*/kamailio/modules/db_sqlite.so",),
    "sip-tester": ("sipp",),
    "espeak-ng": ("espeak-ng",),
}
# While it exists, packages install their services without starting them: Debian's Kamailio would take the SIP port.
_NO_SERVICES = Path("/usr/sbin/policy-rc.d")


def heading(text: str) -> None:
    click.secho(f"\n── {text} " + "─" * max(2, 96 - len(text)), bold=True)


def run_check(title: str, command: Sequence[str]) -> bool:
    """Runs one check with its output shown; says how long it took. True when it passed."""
    heading(title)
    sys.stdout.flush()
    started = time.monotonic()
    program, *arguments = command
    passed = subprocess.run([str(BIN / program), *arguments], cwd=ROOT, check=False).returncode == 0
    if not passed:
        click.secho(f"✗ {title} ({time.monotonic() - started:.1f} s)", fg="red")
    return passed


def system_packages() -> bool:
    """Installs what browser and SIP tests need where it may. False only in CI, when something is still missing."""
    missing = [name for name, signs in SYSTEM_PACKAGES.items() if not any(map(_is_there, signs))]
    if not missing:
        return True
    heading("system packages")
    reason = "not root" if os.geteuid() else "no apt-get" if not shutil.which("apt-get") else ""
    if not reason:
        click.echo(f"apt-get install {' '.join(missing)}")
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *missing]
        with _services_asleep():
            for command in (["apt-get", "update", "-qq"], install):
                done = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)
                if done.returncode:
                    reason = f"{' '.join(command[:2])}: {done.stderr.strip()[-300:]}"
                    break
            else:
                return True
    click.secho(f"missing: {', '.join(missing)} ({reason}); the tests that need them are skipped", fg="yellow")
    return os.environ.get("CI", "").lower() not in {"1", "true"}


def _is_there(sign: str) -> bool:
    return any(Path("/").glob(sign[1:])) if sign.startswith("/") else shutil.which(sign) is not None


@contextmanager
def _services_asleep() -> Iterator[None]:
    """No service is started by what is installed meanwhile; the machine's own rule, if it has one, stays."""
    if _NO_SERVICES.exists():
        yield
        return
    try:
        _NO_SERVICES.write_text("#!/bin/sh\nexit 101\n")
        _NO_SERVICES.chmod(0o755)
        yield
    finally:
        _NO_SERVICES.unlink(missing_ok=True)


def run_lints() -> list[str]:
    return [title for title, command in LINTS if not run_check(title, command)]


@contextmanager
def meanwhile(failed: list[str]) -> Iterator[None]:
    """Runs what needs a processor and nothing else, at the lowest priority, beside what is done inside, which mostly
    waits; then shows what was said, and adds what failed."""
    beside: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("lint", ("-m", "maillage_app.cli", "lint")),
        ("pytest of rules", ("-m", "pytest", *SHORT, "-n", "2", *OF_RULES)),
    )
    with ExitStack() as files:
        running = []
        for title, command in beside:
            said = files.enter_context(TemporaryFile("w+", encoding="utf-8"))
            process = subprocess.Popen(
                ["nice", "-n", "19", sys.executable, *command], cwd=ROOT, stdout=said, stderr=subprocess.STDOUT
            )
            running.append((title, process, said))
        try:
            yield
        finally:
            for title, process, said in running:
                if process.wait() != 0:
                    failed.append(title)
                said.seek(0)
                heading(title)
                click.echo(said.read())


def conclude(failed: list[str]) -> None:
    if failed:
        click.secho(f"✗ failed: {', '.join(failed)}", fg="red", bold=True, err=True)
        raise SystemExit(1)


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(arguments: tuple[str, ...]) -> None:
    """Run every check CI runs; with arguments, pytest alone."""
    if arguments:
        os.chdir(ROOT)
        os.execv(BIN / "pytest", ["pytest", *arguments])  # noqa: S606 - no shell is wanted
    failed = [] if system_packages() else ["system packages"]
    elsewhere = [f"--ignore={path}" for path in (*IN_REAL_TIME, *OF_RULES)]
    if not run_check("pytest", ("pytest", *SHORT, "-n", "2", *elsewhere)):
        failed.append("pytest")
    with meanwhile(failed):
        if not run_check("pytest in real time", ("pytest", *SHORT, "-n", "4", "--no-loadscope-reorder", *IN_REAL_TIME)):
            failed.append("pytest in real time")
    conclude(failed)


@click.command()
def lint() -> None:
    """Run the linters and the type checker."""
    conclude(run_lints())
