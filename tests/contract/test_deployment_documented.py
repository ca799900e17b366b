"""docs/howto/telephony.md as something to type: shells, nft and nginx can read it; units find what they need."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
PAGES = (ROOT / "docs" / "howto" / "telephony.md", DEPLOY / "README.md")
PAGE = PAGES[0].read_text(encoding="utf-8")


def blocks(page: str) -> list[str]:
    return re.findall(r"^```\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


COMMANDS = "".join(blocks(PAGE))


def heredoc(target: str) -> str:
    """What the page writes into that file."""
    found = re.search(rf"^cat > {re.escape(target)} <<EOF\n(.*?)^EOF$", COMMANDS, re.DOTALL | re.MULTILINE)
    assert found, f"nothing is written into {target}"
    return found[1]


def values(unit: Path, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_block_is_whole_for_a_shell(page: Path) -> None:
    for block in blocks(page.read_text(encoding="utf-8")):
        done = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), block


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_what_a_unit_needs_is_made_before_it_starts(unit: Path) -> None:
    before, enabled, after = COMMANDS.partition("systemctl enable --now maillage-")
    assert f"maillage-{unit.stem.removeprefix('maillage-')}" in (enabled + after).splitlines()[0]
    (user,) = values(unit, "User")
    assert re.search(rf"adduser .* {user}$|apt-get install .*\b{user} ", before.replace("\\\n", ""), re.MULTILINE)
    for path in [word for line in values(unit, "ReadWritePaths") for word in line.split()]:
        made = path.removeprefix("/opt/maillage/")
        assert re.search(rf"install -d .*{user} {re.escape(made)}$|--data-dir {path}\b", before, re.MULTILINE), path
    for path in values(unit, "EnvironmentFile"):
        assert heredoc(path)


def test_the_command_line_of_production_is_installed() -> None:
    script = DEPLOY / "maillage"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    assert f"install -m 755 deploy/{script.name} /usr/local/bin/maillage" in COMMANDS


def test_the_firewall_is_one_that_nft_can_load(tmp_path: Path) -> None:
    if not shutil.which("nft") or os.geteuid() != 0:
        pytest.skip("nft, as root, in a network of its own")
    rules = tmp_path / "nftables.conf"
    rules.write_text(heredoc("/etc/nftables.conf"), encoding="utf-8")
    load = 'nft -f "$0" && nft list chain inet maillage input'
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", load, str(rules)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    dropped = re.findall(r'iifname != "lo" (\w+) dport \{ ([\d, ]+) \} drop', done.stdout)
    assert dropped == [("udp", "5060, 5080"), ("tcp", "5081, 5090")]


def test_each_location_of_the_front_says_who_really_asks() -> None:
    """nginx drops every inherited header in a location that sets one of its own."""
    conf = (DEPLOY / "nginx" / "maillage.conf").read_text(encoding="utf-8")
    locations = re.findall(r"location [^{]+(?:\{\d+\})?[^{]*\{(.*?)\n    \}", conf, re.DOTALL)
    assert len(locations) == 2
    assert not any("proxy_set_header" in one for one in locations)
    for header in ("Host", "X-Forwarded-Proto", "X-Forwarded-For"):
        assert re.search(rf"^    proxy_set_header {header} ", conf, re.MULTILINE)
    assert not re.search(r"^\s*http2\s", conf, re.MULTILINE), "nginx 1.22 of Debian 12 does not know it"
