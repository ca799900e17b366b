"""The files of one edge (Kamailio): the configuration of deploy/kamailio, what belongs to an installation, a database.

    files = EdgeConfig(application="http://127.0.0.1:8027", secret="…", …).write(Path("/etc/maillage-edge"), source=…)

The same function writes the edge of production (`./maillage telephony edge-config`) and those of tests and benches.
"""

import ipaddress
import json
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

VOICE_ANSWERS_MS = 5000
VOICE_REACTS_MS = 1500
TRUNK_REACTS_MS = 3000
LAST_RESORT_RINGS_SECONDS = 30
LAST_RESORT_POSITION = 199
"""Ladder position of the number compiled into the edge; 100 and above are emergency numbers."""
_TOKEN = re.compile(r"[A-Za-z0-9_~.\-]{8,200}")
_SOCKET = re.compile(r"[A-Za-z0-9.\-]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}")


class EdgeConfigError(ValueError):
    """A value that an edge cannot be configured with; the message says which and why."""


@dataclass(frozen=True)
class EdgeConfig:
    """What one edge must know. Addresses are `host:port`.

    `trunk`: where calls to the network go. `trunk_addresses`: who may send calls (address or network, several); all
    others get no answer. `advertise`: the public address, when the edge is behind address translation. `secret`: of the
    HTTP account `edge`. `last_resort`: E.164, rung when nothing else is known. `flood_calls`: new calls a second from
    one address above which the plan serves, without asking the application.
    """

    application: str
    secret: str
    voice: str
    trunk: str
    trunk_addresses: tuple[str, ...]
    data_dir: Path
    sip_listen: str = "127.0.0.1:5060"
    advertise: str | None = None
    rpc_listen: str = "127.0.0.1:5090"
    rpc_addresses: tuple[str, ...] = ("127.0.0.1/32",)
    last_resort: str | None = None
    tls_listen: str | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    called_in_to: bool = False
    decide_workers: int = 16
    sip_workers: int = 4
    flood_calls: int = 400
    constant_target: bool = False

    def write(self, directory: Path, *, source: Path) -> Path:
        """Write kamailio.cfg and edge.cfg into `directory` and make the database in `data_dir`.

        Returns the path of kamailio.cfg. `edge.cfg` holds the secret: only its owner and group may read it. A database
        that exists is kept. Raises EdgeConfigError.
        """
        text = self.render(directory)
        directory.mkdir(parents=True, exist_ok=True)
        self.data_dir.mkdir(parents=True, exist_ok=True)
        main = directory / "kamailio.cfg"
        shutil.copyfile(source / "kamailio.cfg", main)
        local = directory / "edge.cfg"
        local.touch(mode=0o640)
        local.write_text(text, encoding="utf-8")
        local.chmod(0o640)
        if self.tls_listen:
            (directory / "tls.cfg").write_text(self._tls(), encoding="utf-8")
        with closing(sqlite3.connect(self.database)) as connection:
            connection.executescript((source / "schema.sql").read_text(encoding="utf-8"))
        return main

    @property
    def database(self) -> Path:
        return self.data_dir.resolve() / "edge.sqlite"

    def render(self, directory: Path) -> str:
        """The text of edge.cfg. Raises EdgeConfigError."""
        voice_host, voice_port = self._voice()
        application = self._application()
        defines = [
            ("SIP_LISTEN", f"udp:{_socket(self.sip_listen)}{self._advertised()}"),
            ("RPC_LISTEN", f"tcp:{_socket(self.rpc_listen)}"),
            ("RPC_PORT", self.rpc_listen.rpartition(":")[2]),
            ("RPC_ADDRESSES", f'"{_networks(self.rpc_addresses)}"'),
            ("TRUNK_ADDRESSES", f'"{_networks(self.trunk_addresses)}"'),
            ("TRUNK_URI", f'"sip:{_socket(self.trunk)}{";transport=tls" if self.tls_listen else ""}"'),
            ("VOICE_IP", f'"{voice_host}"'),
            ("VOICE_PORT", voice_port),
            ("VOICE_URI", f'"{self.voice}"'),
            ("APPLICATION", f'"app=>{application};timeout=2"'),
            ("APPLICATION_EVENTS", f'"events=>{application};timeout=5"'),
            ("APPLICATION_PLANS", f'"plans=>{application};timeout=2"'),
            ("DISK", f'"sqlite:///{self.database}"'),
            ("SQL_DISK", f'"disk=>sqlite:///{self.database}"'),
            ("CONTROL_SOCKET", f'"unix:{self.data_dir.resolve()}/control"'),
            ("COMPILED_PLAN", f"'{json.dumps(self.compiled_plan(), ensure_ascii=True)}'"),
            ("DECIDE_WORKERS", f'"name=decide;workers={self.decide_workers};nonblock=0;usleep=0"'),
            ("SIP_WORKERS", str(self.sip_workers)),
            ("FLOOD_CALLS", str(self.flood_calls)),
        ]
        if self.last_resort:
            defines.append(("LAST_RESORT_URI", f'"{self._person(self.last_resort)}"'))
        if self.tls_listen:
            defines += [
                ("WITH_TLS", ""),
                ("TLS_LISTEN", f"tls:{_socket(self.tls_listen)}"),
                ("TLS_CONFIG", f'"{directory.resolve()}/tls.cfg"'),
            ]
        if self.called_in_to:
            defines.append(("CALLED_IN_TO", ""))
        if self.constant_target:
            defines.append(("WITH_CONSTANT_TARGET", ""))
        head = "# Written by `./maillage telephony edge-config`: change the settings and run it again.\n"
        return head + "".join(f"#!define {name} {value}".rstrip() + "\n" for name, value in defines)

    def compiled_plan(self) -> dict[str, object]:
        """The document that serves before any other was learnt: the voice, then the last resort."""
        voice: dict[str, object] = {
            "uri": self.voice,
            "fr_timer": VOICE_REACTS_MS,
            "fr_inv_timer": VOICE_ANSWERS_MS,
        }
        plan: dict[str, object] = {"version": "1.0", "routing": "serial", "caller_id": ""}
        if self.last_resort is None:
            return {**plan, "steps": "voice", "rescue": [], "routes": [voice]}
        uri = self._person(self.last_resort)
        human = {"position": LAST_RESORT_POSITION, "uri": uri, "ring_seconds": LAST_RESORT_RINGS_SECONDS}
        route = {"uri": uri, "fr_timer": TRUNK_REACTS_MS, "fr_inv_timer": LAST_RESORT_RINGS_SECONDS * 1000}
        steps = f"voice,{LAST_RESORT_POSITION}"
        return {**plan, "steps": steps, "rescue": [human], "routes": [voice, route]}

    def _person(self, number: str) -> str:
        if not re.fullmatch(r"\+?\d{2,15}", number):
            raise EdgeConfigError(f"last resort: {number} is not a telephone number")
        return f"sip:{number}@{_socket(self.trunk)};user=phone"

    def _advertised(self) -> str:
        return f" advertise {_socket(self.advertise)}" if self.advertise else ""

    def _voice(self) -> tuple[str, str]:
        found = re.fullmatch(r"sip:voice@([0-9.]+|\[[0-9a-fA-F:]+\]):(\d{1,5})", self.voice)
        if found is None:
            raise EdgeConfigError(f"voice: {self.voice} is not sip:voice@<address>:<port>")
        return found[1], found[2]

    def _application(self) -> str:
        parts = urlsplit(self.application)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.username:
            raise EdgeConfigError(f"application: {self.application} is not http(s)://<host>:<port>")
        if not _TOKEN.fullmatch(self.secret):
            raise EdgeConfigError("secret: letters, digits, - and _ only, eight at least (secrets.token_urlsafe)")
        return f"{parts.scheme}://edge:{self.secret}@{parts.netloc}"

    def _tls(self) -> str:
        if self.tls_certificate is None or self.tls_key is None:
            raise EdgeConfigError("TLS needs a certificate and a key")
        return (
            "[server:default]\nmethod = TLSv1.2+\nverify_certificate = no\nrequire_certificate = no\n"
            f"private_key = {self.tls_key.resolve()}\ncertificate = {self.tls_certificate.resolve()}\n\n"
            "[client:default]\nmethod = TLSv1.2+\nverify_certificate = yes\nrequire_certificate = yes\n"
            "ca_list = /etc/ssl/certs/ca-certificates.crt\n"
        )


def _socket(text: str) -> str:
    if not _SOCKET.fullmatch(text):
        raise EdgeConfigError(f"{text} is not <host>:<port>")
    return text


def _networks(texts: tuple[str, ...]) -> str:
    """As Kamailio's is_in_subnet reads them. Raises EdgeConfigError."""
    try:
        networks = [ipaddress.ip_network(text.strip(), strict=False) for text in texts]
    except ValueError as exc:
        raise EdgeConfigError(f"addresses: {exc}") from exc
    if not networks:
        raise EdgeConfigError("addresses: at least one is needed, or nobody can call")
    return ",".join(str(network) for network in networks)
