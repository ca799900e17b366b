"""What belongs to one edge: written out, or refused in words."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from maillage_kit.edge_config import LAST_RESORT_POSITION, EdgeConfig, EdgeConfigError

SOURCE = Path(__file__).resolve().parents[2] / "deploy" / "kamailio"


@pytest.fixture
def config(tmp_path: Path) -> EdgeConfig:
    return EdgeConfig(
        application="http://10.0.0.2:8027",
        secret="a-secret-of-the-edge",
        voice="sip:voice@10.0.0.5:5080",
        trunk="trunk.operator.example:5060",
        trunk_addresses=("198.51.100.8", "203.0.113.0/28"),
        data_dir=tmp_path / "data",
        sip_listen="10.0.0.5:5060",
        advertise="192.0.2.10:5060",
        last_resort="+33144000000",
    )


def defines(text: str) -> dict[str, str]:
    lines = [line.split(" ", 2) for line in text.splitlines() if line.startswith("#!define ")]
    return {line[1]: line[2] if len(line) > 2 else "" for line in lines}


def test_everything_of_an_installation_is_a_define(config: EdgeConfig, tmp_path: Path) -> None:
    found = defines(config.render(tmp_path))
    assert found["SIP_LISTEN"] == "udp:10.0.0.5:5060 advertise 192.0.2.10:5060"
    assert found["TRUNK_ADDRESSES"] == '"198.51.100.8/32,203.0.113.0/28"'
    assert found["APPLICATION"] == '"app=>http://edge:a-secret-of-the-edge@10.0.0.2:8027;timeout=2"'
    assert (found["VOICE_IP"], found["VOICE_PORT"]) == ('"10.0.0.5"', "5080")
    assert found["TRUNK_URI"] == '"sip:trunk.operator.example:5060"'
    assert "WITH_TLS" not in found


def test_the_compiled_plan_tries_the_voice_then_the_last_resort(config: EdgeConfig, tmp_path: Path) -> None:
    plan = json.loads(defines(config.render(tmp_path))["COMPILED_PLAN"].strip("'"))
    assert [route["uri"] for route in plan["routes"]] == [
        "sip:voice@10.0.0.5:5080",
        "sip:+33144000000@trunk.operator.example:5060;user=phone",
    ]
    assert plan["steps"] == f"voice,{LAST_RESORT_POSITION}"
    assert plan["rescue"][0]["position"] == LAST_RESORT_POSITION
    alone = replace(config, last_resort=None).compiled_plan()
    assert alone["steps"] == "voice"


def test_every_define_is_one_that_the_configuration_knows(config: EdgeConfig, tmp_path: Path) -> None:
    known = (SOURCE / "kamailio.cfg").read_text()
    full = replace(
        config,
        tls_listen="10.0.0.5:5061",
        tls_certificate=tmp_path / "c",
        tls_key=tmp_path / "k",
        called_in_to=True,
        constant_target=True,
    )
    unknown = [name for name in defines(full.render(tmp_path)) if name not in known]
    assert unknown == []


def test_the_secret_is_for_the_owner_and_the_group_only(config: EdgeConfig, tmp_path: Path) -> None:
    config.write(tmp_path / "etc", source=SOURCE)
    assert (tmp_path / "etc" / "edge.cfg").stat().st_mode & 0o777 == 0o640


def test_written_again_it_keeps_what_was_not_delivered(config: EdgeConfig, tmp_path: Path) -> None:
    config.write(tmp_path / "etc", source=SOURCE)
    with sqlite3.connect(config.database) as connection:
        connection.execute("insert into outgoing (batch) values ('[]')")
    connection.close()
    config.write(tmp_path / "etc", source=SOURCE)
    with sqlite3.connect(config.database) as connection:
        assert connection.execute("select count(*) from outgoing").fetchone() == (1,)
    connection.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "short"},
        {"secret": "with;a-semicolon@and-more"},
        {"application": "ftp://10.0.0.2"},
        {"application": "http://user:word@10.0.0.2"},
        {"voice": "sip:menu@10.0.0.5:5080"},
        {"voice": "sip:voice@voice.example:5080"},
        {"trunk": "trunk.operator.example"},
        {"trunk_addresses": ()},
        {"trunk_addresses": ("operator.example",)},
        {"last_resort": "the manager"},
        {"sip_listen": '10.0.0.5:5060"'},
        {"tls_listen": "10.0.0.5:5061"},
    ],
)
def test_what_cannot_work_is_refused(config: EdgeConfig, tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(EdgeConfigError):
        replace(config, **wrong).write(tmp_path / "etc", source=SOURCE)  # type: ignore[arg-type]
