"""An answer that is right but for one thing opens nothing: stolen codes, other browsers, wrong tokens or issuers."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from joserfc.jwk import RSAKey

from maillage_app.runtime import Runtime
from maillage_kit import clock
from maillage_kit.guarded_http import GuardedHttp
from maillage_kit.permissions import Role
from maillage_platform import identity
from maillage_platform.identity.errors import OpenIdRefused
from maillage_platform.identity.models import IdentityProvider
from maillage_platform.identity.openid_client import KEYS_REFETCH

Change = Callable[[dict[str, Any]], None]


async def test_a_replayed_code_is_refused_by_the_provider_and_told(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider, linked, refusal
) -> None:
    """A stolen code in a fresh attempt: state is right, the code has served."""
    setting = await provider.saved_by(await sign_in(Role.MANAGER, eure))
    await linked(setting, "helene")
    first = await at_provider.callback(visitor, setting, "helene")
    assert (await visitor.get(first)).status_code == 303
    visitor.client.cookies.delete("maillage_session")
    second = httpx.URL(await at_provider.callback(visitor, setting, "helene"))
    stolen = second.copy_set_param("code", httpx.URL(first).params["code"])
    await refusal(visitor, str(stolen), "code")


async def test_another_browser_or_an_old_attempt_is_refused(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider, linked, refusal
) -> None:
    setting = await provider.saved_by(await sign_in(Role.MANAGER, eure))
    await linked(setting, "helene")
    back = await at_provider.callback(visitor, setting, "helene")
    stranger = await sign_in(Role.MEMBER, eure)
    await refusal(stranger, back, "state")
    forged = httpx.URL(back).copy_set_param("state", "chosen")
    await refusal(visitor, str(forged), "state")
    async with runtime.database.platform() as session:
        await session.execute(sa.text("update platform.openid_attempt set expires_at = now() - interval '1 second'"))
    await refusal(visitor, back, "state")


CHANGES: dict[str, tuple[Change, str]] = {
    "wrong nonce": (lambda claims: claims.update(nonce="another"), "nonce"),
    "no nonce": (lambda claims: claims.pop("nonce"), "nonce"),
    "wrong audience": (lambda claims: claims.update(aud="somebody-else"), "audience"),
    "audience of several, issued for another": (
        lambda claims: claims.update(aud=[claims["aud"], "other"], azp="other"),
        "audience",
    ),
    "mixed-up issuer": (lambda claims: claims.update(iss="https://accounts.google.com"), "issuer"),
    "expired": (lambda claims: claims.update(exp=claims["iat"] - 180), "expired"),
    "from the future": (lambda claims: claims.update(iat=claims["iat"] + 600, exp=claims["exp"] + 600), "expired"),
    "no subject": (lambda claims: claims.update(sub=""), "claims"),
}


async def test_a_token_wrong_in_one_thing_is_refused(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider, linked, refusal
) -> None:
    setting = await provider.saved_by(await sign_in(Role.MANAGER, eure))
    await linked(setting, "helene")
    for name, (change, reason) in CHANGES.items():
        provider.tampers = change
        logged = await refusal(visitor, await at_provider.callback(visitor, setting, "helene"), reason)
        assert logged, name
    # within two minutes, clocks may differ
    provider.tampers = lambda claims: claims.update(iat=claims["iat"] + 100, exp=claims["iat"] - 100)
    assert (await visitor.get(await at_provider.callback(visitor, setting, "helene"))).status_code == 303


async def test_a_key_that_is_gone_signs_nothing(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider, linked, refusal
) -> None:
    setting = await provider.saved_by(await sign_in(Role.MANAGER, eure))
    await linked(setting, "helene")
    assert (await visitor.get(await at_provider.callback(visitor, setting, "helene"))).status_code == 303
    retired, provider.signs_with = provider.keys[0], provider.new_key()
    provider.tampers = lambda _claims: None
    fetched = provider.asked.count("/jwks")
    back = [await at_provider.callback(visitor, setting, "helene") for _ in range(3)]
    for each in back:
        await refusal(visitor, each, "signature")
    assert provider.asked.count("/jwks") == fetched  # a second ago is fresh enough: nobody makes us fetch and fetch
    # another key under the known name is no better
    provider.signs_with = RSAKey.import_key({**provider.new_key().as_dict(private=True), "kid": retired.kid})
    await refusal(visitor, await at_provider.callback(visitor, setting, "helene"), "signature")


async def test_rotated_keys_are_fetched_again(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider, linked, refusal
) -> None:
    setting = await provider.saved_by(await sign_in(Role.MANAGER, eure))
    await linked(setting, "helene")
    assert (await visitor.get(await at_provider.callback(visitor, setting, "helene"))).status_code == 303
    provider.rotate()
    client_id, secret = provider.register(f"http://localhost:8027{setting.start}/callback")  # it forgets its clients
    async with runtime.database.platform() as session:
        row = await session.get_one(IdentityProvider, setting.id)
        row.client_id, row.client_secret = client_id, runtime.cipher.encrypt(secret)
    at_provider.client.cookies.clear()
    refused = await at_provider.callback(visitor, setting, "helene")
    await refusal(visitor, refused, "signature")  # the keys were fetched a moment ago
    later = clock.MovableClock(clock.now() + KEYS_REFETCH * 1.1)
    with clock.using(later, whole_process=True):
        assert (await visitor.get(await at_provider.callback(visitor, setting, "helene"))).status_code == 303


async def test_an_answer_of_another_issuer_is_refused(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider, linked, refusal
) -> None:
    """RFC 9207: the answer says who gives it; a missing or another name is refused before any code is sent."""
    setting = await provider.saved_by(await sign_in(Role.MANAGER, eure))
    await linked(setting, "helene")
    ways: tuple[Callable[[httpx.URL], httpx.URL], ...] = (
        lambda url: url.copy_set_param("iss", "https://attacker.example"),
        lambda url: url.copy_remove_param("iss"),
    )
    for mixed_up in ways:
        back = httpx.URL(await at_provider.callback(visitor, setting, "helene"))
        assert back.params["iss"] == provider.issuer
        asked = provider.asked.count("/token")
        await refusal(visitor, str(mixed_up(back)), "issuer")
        assert provider.asked.count("/token") == asked


async def test_an_answer_at_another_providers_address_is_refused(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider, refusal
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    one, two = await provider.saved_by(office), await provider.saved_by(office)
    back = await at_provider.callback(visitor, one, "helene")
    await refusal(visitor, back.replace(one.id, two.id), "issuer")


async def test_a_refusal_at_the_provider_is_told(runtime: Runtime, eure, sign_in, provider, visitor, refusal) -> None:
    setting = await provider.saved_by(await sign_in(Role.MANAGER, eure))
    sent = await visitor.get(setting.start)
    state = httpx.URL(sent.headers["location"]).params["state"]
    denied = f"{setting.start}/callback?error=access_denied&state={state}&iss={provider.issuer}"
    assert "n’a pas confirmé" in await refusal(visitor, denied, "denied")


async def test_a_provider_that_does_not_answer_leaves_the_link(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider, refusal
) -> None:
    setting = await provider.saved_by(await sign_in(Role.MANAGER, eure))
    back = await at_provider.callback(visitor, setting, "helene")
    provider.unreachable = True
    await refusal(visitor, back, "unreachable")


async def test_in_production_only_https_and_public_addresses(provider) -> None:
    """The provider of these tests is refused there, and so is whatever leads inside."""
    client = identity.OpenIdClient(GuardedHttp(open_to_private=False))
    for issuer in (provider.issuer, f"https://localhost:{provider.port}", "https://169.254.169.254", "https://[::1]"):
        with pytest.raises(OpenIdRefused) as refused:
            await client.discover(issuer)
        assert (refused.value.reason, refused.value.detail) in (
            ("metadata", "not https"),
            ("metadata", "not a public address"),
        )
    assert provider.asked == []
