"""Kamailio itself reads what is written for it: `kamailio -c`."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from maillage_kit.edge_config import EdgeConfig

pytestmark = pytest.mark.sip
ROOT = Path(__file__).resolve().parents[2]


def check(main: Path) -> None:
    done = subprocess.run(["kamailio", "-c", "-f", str(main), "-M", "32"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "config file ok" in done.stdout + done.stderr


@pytest.fixture
def config(tmp_path: Path) -> EdgeConfig:
    return EdgeConfig(
        application="https://maillage.example",
        secret="a-secret-of-the-edge",
        voice="sip:voice@127.0.0.1:5080",
        trunk="198.51.100.8:5060",
        trunk_addresses=("198.51.100.8", "203.0.113.0/28"),
        data_dir=tmp_path / "data",
        last_resort="+33144000000",
    )


@pytest.mark.parametrize("options", [{}, {"last_resort": None}, {"called_in_to": True}, {"constant_target": True}])
def test_kamailio_reads_it(config: EdgeConfig, tmp_path: Path, options: dict[str, object]) -> None:
    check(replace(config, **options).write(tmp_path / "etc", source=ROOT / "deploy" / "kamailio"))  # type: ignore[arg-type]


def test_kamailio_reads_it_with_tls(config: EdgeConfig, tmp_path: Path) -> None:
    if not any(Path("/").glob("usr/lib/*/kamailio/modules/tls.so")):
        pytest.skip("kamailio-tls-modules not installed: TLS is optional")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=edge.example"]
    subprocess.run([*make, "-keyout", str(key), "-out", str(certificate)], capture_output=True, check=True)
    secure = replace(config, tls_listen="127.0.0.1:5061", tls_certificate=certificate, tls_key=key)
    check(secure.write(tmp_path / "etc", source=ROOT / "deploy" / "kamailio"))


def test_the_command_writes_it_from_the_settings(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "maillage_app.cli", "telephony", "edge-config", str(tmp_path / "etc")]
    done = subprocess.run(
        [*command, "--data-dir", str(tmp_path / "data"), "--trunk-address", "198.51.100.8"],
        env={**os.environ, "MAILLAGE_TELEPHONY__SIP__SECRETS": json.dumps(["a-secret-of-the-edge"])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    check(tmp_path / "etc" / "kamailio.cfg")
