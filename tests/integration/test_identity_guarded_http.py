"""Calls to addresses that others wrote: only https, only public ones, checked where the call really goes."""

import asyncio
import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from maillage_kit import clock, http_client
from maillage_kit.guarded_http import CallFailed, CallRefused, GuardedHttp, is_public
from maillage_kit.testing.http_server import Handler, serving

PRIVATE = (
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:1::1", "not an address",
)  # fmt: skip
PUBLIC = ("8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8")


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_seen_in_every_form(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    ["http://idp.example", "ftp://idp.example", "https://", "https://u:p@idp.example", "https://idp.example/#x",
     "javascript:alert(1)", "idp.example", "https://[::1", ""],
)  # fmt: skip
def test_the_form_of_an_address_is_checked(url: str) -> None:
    with pytest.raises(CallRefused):
        GuardedHttp(open_to_private=False).check_form(url)


def test_http_is_for_development() -> None:
    assert GuardedHttp(open_to_private=True).check_form("http://localhost:9/x").host == "localhost"


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/x", "https://localhost/x", "https://[::1]/x", "https://169.254.169.254/latest/meta-data",
            "https://2130706433/", "https://0x7f000001/", "https://127.1/"],
)  # fmt: skip
async def test_production_calls_no_private_address(url: str) -> None:
    """However it is written: the name is resolved first, and what it gives is checked."""
    with pytest.raises((CallRefused, CallFailed)) as refused:
        await GuardedHttp(open_to_private=False).get(url)
    assert str(refused.value) in ("not a public address", "the name is not known")


async def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answers(self: object, host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", ("8.8.8.8", port)), (2, 1, 6, "", ("10.0.0.1", port))]

    monkeypatch.setattr(asyncio.get_running_loop().__class__, "getaddrinfo", answers)
    with pytest.raises(CallRefused, match="not a public address"):
        await GuardedHttp(open_to_private=False).get("https://idp.example/x")


class Server(Handler):
    def do_GET(self) -> None:
        if self.path == "/moved":
            return self.answer(302, headers=[("location", "/long")])
        return self.answer(200, b"x" * (2048 if self.path == "/long" else 5), [("x-host", self.headers["host"])])


@pytest.fixture
def server() -> Iterator[str]:
    with serving(Server) as port:
        yield f"http://localhost:{port}"


async def test_answers_are_short_and_redirects_are_not_followed(server: str) -> None:
    calls = GuardedHttp(open_to_private=True, max_bytes=1024)
    answer = await calls.get(f"{server}/x")
    assert (answer.status, answer.body) == (200, b"xxxxx")
    assert answer.headers["x-host"] == server.removeprefix("http://")  # called by its name, at the address checked
    assert (await calls.get(f"{server}/moved")).status == 302
    with pytest.raises(CallFailed, match="too long"):
        await calls.get(f"{server}/long")


def certificate(name: str) -> tuple[bytes, bytes]:
    """A self-signed certificate of that name and its key, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = clock.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM), secret


async def test_the_certificate_must_be_of_the_name_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call goes to an address, yet the name in the link is what the certificate must prove."""
    public, secret = certificate("idp.example")
    (tmp_path / "both.pem").write_bytes(public + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")

    async def answers(self: object, host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.get_running_loop().__class__, "getaddrinfo", answers)
    calls = GuardedHttp(open_to_private=True)
    trusting = ssl.create_default_context(cadata=public.decode())
    with serving(Server, tls=context) as port:
        with monkeypatch.context() as patch:
            patch.setattr(http_client, "authorities", lambda: trusting)
            assert (await calls.get(f"https://idp.example:{port}/x")).status == 200
            with pytest.raises(CallFailed):
                await calls.get(f"https://other.example:{port}/x")
        with pytest.raises(CallFailed):  # and the issuer must be known
            await calls.get(f"https://idp.example:{port}/x")


async def test_nobody_there_is_a_failure_said_in_one_word() -> None:
    with pytest.raises(CallFailed, match="Error"):
        await GuardedHttp(open_to_private=True).get("http://127.0.0.1:9/x")
