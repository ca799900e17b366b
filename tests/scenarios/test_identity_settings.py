"""The office and the federation set up who may sign in: people, identity providers."""

import json
import re
from collections.abc import Iterator
from http.server import HTTPServer
from typing import Any, cast

import pytest
import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.permissions import Role
from maillage_kit.testing.http_server import Handler, serving
from maillage_platform import identity
from maillage_platform.identity.models import Account, IdentityProvider, Letter, Membership
from maillage_tenants.audit import labels
from maillage_tenants.audit import queries as audit_queries
from maillage_tenants.audit.queries import Search


class Metadata(Handler):
    """Only the discovery document of a provider: what the settings read."""

    def do_GET(self) -> None:
        issuer = f"http://localhost:{cast(HTTPServer, self.server).server_port}"
        told: dict[str, Any] = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/auth",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
        }
        if self.path.startswith("/liar"):
            told["issuer"] = "https://accounts.google.com"
        if self.path.startswith("/plain"):
            told |= {"issuer": f"{issuer}/plain", "code_challenge_methods_supported": ["plain"]}
        if self.path.startswith("/script"):
            told |= {"issuer": f"{issuer}/script", "authorization_endpoint": "javascript:alert(1)"}
        self.answer(200, json.dumps(told).encode())


@pytest.fixture
def issuer() -> Iterator[str]:
    with serving(Metadata) as port:
        yield f"http://localhost:{port}"


def form(issuer: str, **more: str) -> dict[str, str]:
    return {"name": "Annuaire", "issuer": issuer, "client_id": "maillage", "client_secret": "très secret", **more}


async def stored(runtime: Runtime) -> list[IdentityProvider]:
    async with runtime.database.platform() as session:
        return list(await session.scalars(sa.select(IdentityProvider).order_by(IdentityProvider.created_at)))


@pytest.mark.parametrize(("role", "base"), [(Role.MANAGER, "/c/eure"), (Role.OPERATOR, "/federation")])
async def test_a_provider_is_added_changed_and_switched_off(
    runtime: Runtime, eure, sign_in, visitor, issuer: str, role: Role, base: str
) -> None:
    person = await sign_in(role, None if role is Role.OPERATOR else eure)
    added = await person.post(f"{base}/settings/providers", form(issuer, allowed_domains="Coop-Eure.fr, @a.coop"))
    assert added.status_code == 303
    (row,) = await stored(runtime)
    assert row.allowed_domains == ["a.coop", "coop-eure.fr"]
    assert row.cooperative_id == (None if role is Role.OPERATOR else eure.id)
    assert runtime.cipher.decrypt(row.client_secret or b"") == "très secret"
    one = added.headers["location"]
    shown = (await person.get(one)).text
    assert f"/signin/openid/{row.id}/callback" in shown
    assert "très secret" not in shown

    assert (await person.post(one, form(issuer, name="Autre nom", client_secret=""))).status_code == 303
    (row,) = await stored(runtime)
    assert (row.name, runtime.cipher.decrypt(row.client_secret or b"")) == ("Autre nom", "très secret")
    # the stored secret was given for that client: it is never sent for another one
    assert (await person.post(one, form(issuer, client_id="other", client_secret=""))).status_code == 303
    (row,) = await stored(runtime)
    assert row.client_secret is None

    place = "federation" if role is Role.OPERATOR else "eure"
    assert f"/signin/openid/{row.id}" in (await visitor.get(f"/signin?place={place}")).text
    assert (await person.post(f"{one}/switch", {"active": ""})).status_code == 303
    assert f"/signin/openid/{row.id}" not in (await visitor.get(f"/signin?place={place}")).text
    assert (await visitor.get(f"/signin/openid/{row.id}")).status_code == 404
    assert (await person.post(f"{one}/switch", {"active": "1"})).status_code == 303
    assert (await visitor.get(f"/signin/openid/{row.id}")).status_code == 303


async def test_what_is_done_to_a_provider_is_written_without_its_secret(
    runtime: Runtime, eure: CooperativeContext, sign_in, issuer: str
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    one = (await office.post("/c/eure/settings/providers", form(issuer))).headers["location"]
    await office.post(one, form(issuer, name="Autre nom", client_secret="autre secret"))
    for active in ("", "", "1"):  # off twice is off once
        await office.post(f"{one}/switch", {"active": active})
    assert (await office.post(one, form(f"{issuer}/liar"))).status_code == 422
    async with runtime.database.tenant(eure.tenant) as session:
        rows = list(await audit_queries.all_entries(session, search=Search(actions=("identity.",)), limit=9))
    said = [(labels.words_of(row.action), row.detail.get("changed")) for row in rows]
    assert said == [
        ("Fournisseur d’identité ajouté", None),
        ("Fournisseur d’identité modifié", "nom, secret"),
        ("Fournisseur d’identité mis hors service", None),
        ("Fournisseur d’identité remis en service", None),
    ]
    assert all((row.actor, row.subject_id) == ("Camille Test", one.rsplit("/", 1)[-1]) for row in rows)
    assert rows[0].detail["issuer"] == issuer
    assert not any(word in str(row.detail) for row in rows for word in ("très secret", "autre secret"))
    assert "fournisseur : Autre nom" in labels.detail_words(rows[1].detail)


async def test_a_wrong_provider_is_explained_field_by_field(runtime: Runtime, eure, sign_in, issuer: str) -> None:
    office = await sign_in(Role.MANAGER, eure)
    for sent, words in (
        (form("accounts.google.com"), "adresse complète de l’émetteur"),
        (form("http://127.0.0.1:9"), "ne répond à cette adresse"),
        (form(f"{issuer}/liar"), "s’annonce sous une autre"),
        (form(f"{issuer}/plain"), "PKCE S256"),
        (form(f"{issuer}/script"), "Ce fournisseur ne convient pas"),
        (form(issuer, client_id=""), "identifiant de client"),
        (form(issuer, name=""), "nom que verront"),
        (form(issuer, allowed_domains="gmail.com"), "Tout le monde"),
        (form(issuer, allowed_domains="pas un domaine"), "nom de domaine"),
    ):
        answer = await office.post("/c/eure/settings/providers", sent)
        assert answer.status_code == 422, sent
        assert words in answer.text
        assert "très secret" not in answer.text
    assert await stored(runtime) == []
    assert (await office.post("/c/eure/settings/providers", form(issuer))).status_code == 303
    again = await office.post("/c/eure/settings/providers", form(issuer))
    assert (again.status_code, "déjà enregistré" in again.text) == (422, True)


async def test_one_cooperatives_provider_is_not_anothers(
    runtime: Runtime, eure, seine_maritime, sign_in, issuer
) -> None:
    office, other = await sign_in(Role.MANAGER, eure), await sign_in(Role.MANAGER, seine_maritime)
    federation = await sign_in(Role.OPERATOR)
    one = (await office.post("/c/eure/settings/providers", form(issuer))).headers["location"]
    identifier = one.rsplit("/", 1)[-1]
    assert "Annuaire" not in (await other.get("/c/seine-maritime/settings/providers")).text
    for person, base in ((other, "/c/seine-maritime"), (federation, "/federation")):
        assert (await person.get(f"{base}/settings/providers/{identifier}")).status_code == 404
        assert (await person.post(f"{base}/settings/providers/{identifier}", form(issuer))).status_code == 404
        assert (await person.post(f"{base}/settings/providers/{identifier}/switch")).status_code == 404
        # nor by adding one under its id
        stolen = await person.post(f"{base}/settings/providers", form(issuer, draft=identifier))
        assert stolen.status_code == 422
    (row,) = await stored(runtime)
    assert row.cooperative_id == eure.id


async def test_a_colleague_is_invited_enters_and_is_removed(
    runtime: Runtime, eure, sign_in, visitor, moved_clock: MovableClock
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    wrong = await office.post("/c/eure/settings/people", {"name": "", "email": "pas une adresse"})
    assert (wrong.status_code, "Écrivez son nom" in wrong.text) == (422, True)
    invited = {"name": "Ana Ruiz", "email": "Ana@Eure.example", "role": "manager"}
    assert (await office.post("/c/eure/settings/people", invited)).status_code == 303
    async with runtime.database.platform() as session:
        letter = (await session.scalars(sa.select(Letter))).one()
    assert letter.recipient == "ana@eure.example"
    link = re.search(r"http://localhost:8027(/signin/\S+)", letter.body)
    assert link
    moved_clock.advance(days=6, hours=23)
    office = await sign_in(Role.MANAGER, eure)
    assert (await visitor.post(link[1])).headers["location"] == "/c/eure/desk"
    listed = (await office.get("/c/eure/settings/people")).text
    assert "ana@eure.example" in listed
    async with runtime.database.platform() as session:
        account = (await session.scalars(sa.select(Account).where(Account.email == "ana@eure.example"))).one()
        hat = (await session.scalars(sa.select(Membership).where(Membership.account_id == account.id))).one()
    stranger = await sign_in(Role.OPERATOR)
    taken = {"membership": str(hat.id)}
    assert (await stranger.post("/federation/settings/people/remove", taken)).status_code == 404
    assert (await visitor.post("/c/eure/settings/people/remove", taken)).status_code == 422  # one's own
    assert (await office.post("/c/eure/settings/people/remove", taken)).status_code == 303
    assert (await visitor.get("/c/eure/desk")).status_code == 303
    assert "ana@eure.example" not in (await office.get("/c/eure/settings/people")).text


async def test_the_list_of_people_is_paginated(runtime: Runtime, eure, sign_in) -> None:
    office = await sign_in(Role.MANAGER, eure)
    async with runtime.database.platform() as session:
        for number in range(5):
            account = await identity.add_account(session, email=f"p{number}@eure.example", display_name=f"P {number}")
            await identity.add_membership(session, account=account, role=Role.MANAGER, cooperative_id=eure.id)
    seen, after = [], ""
    for _ in range(4):
        text = (await office.get(f"/c/eure/settings/people?limit=2{after}")).text
        seen += re.findall(r"p\d@eure.example", text)
        found = re.search(r"after=([^&\"]+)", text)
        after = f"&after={found[1]}" if found else ""
    assert sorted(set(seen)) == [f"p{number}@eure.example" for number in range(5)]


async def test_the_federations_own_people(runtime: Runtime, sign_in) -> None:
    federation = await sign_in(Role.OPERATOR)
    invited = {"name": "Nadia Benard", "email": "nadia@federation.example", "role": "analyst"}
    assert (await federation.post("/federation/settings/people", invited)).status_code == 303
    async with runtime.database.platform() as session:
        letter = (await session.scalars(sa.select(Letter))).one()
        assert "rejoindre la fédération" in letter.subject
    assert "Nadia Benard" in (await federation.get("/federation/settings/people")).text
