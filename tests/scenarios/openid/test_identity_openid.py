"""Who enters with an identity provider: people who are linked, invited, or of a listed domain."""

import re

import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_kit.permissions import Role
from maillage_platform import identity
from maillage_platform.identity.models import (
    Account,
    ExternalIdentity,
    IdentityProvider,
    Letter,
    Membership,
    WebSession,
)


async def test_a_linked_person_enters(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider, linked, refusal
) -> None:
    setting = await provider.saved_by(await sign_in(Role.MANAGER, eure))
    await linked(setting, "helene")
    assert "Entrer avec Annuaire" not in (await visitor.get("/signin")).text
    assert "Entrer avec Annuaire" in (await visitor.get("/signin?next=/c/eure/desk")).text
    assert setting.start in (await visitor.get("/signin?place=eure")).text

    back = await at_provider.callback(visitor, setting, "helene")
    entered = await visitor.get(back)
    assert (entered.status_code, entered.headers["location"]) == (303, "/c/eure/desk")
    assert (await visitor.get("/c/eure/desk")).status_code == 200
    async with runtime.database.platform() as session:
        row = await session.get_one(IdentityProvider, setting.id)
        assert row.client_secret is not None and len(row.client_secret) > 80  # sealed
        opened = (await session.scalars(sa.select(WebSession).order_by(WebSession.id.desc()))).first()
        assert opened is not None
        assert (opened.method, opened.openid_subject) == ("openid", "helene")
        assert opened.id_token is not None and b"." not in opened.id_token  # sealed: a JWT has two
    # the same answer once more: the attempt is used up here, and the code at the provider
    await refusal(visitor, back, "state")


async def test_a_stranger_is_told_to_ask_for_an_invitation(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider, refusal
) -> None:
    """No domain is listed: a verified e-mail, even that of an account, opens nothing."""
    setting = await provider.saved_by(await sign_in(Role.MANAGER, eure))
    async with runtime.database.platform() as session:
        account = await identity.add_account(session, email="helene@cooperative-eure.fr", display_name="Hélène")
        await identity.add_membership(session, account=account, role=Role.MANAGER, cooperative_id=eure.id)
    await refusal(visitor, await at_provider.callback(visitor, setting, "helene"), "unknown_person")


async def test_a_listed_domain_lets_a_verified_newcomer_in(
    runtime: Runtime, eure, seine_maritime, sign_in, provider, visitor, at_provider, refusal
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    setting = await provider.saved_by(office, domains="@cooperative-eure.fr")
    await refusal(visitor, await at_provider.callback(visitor, setting, "double"), "email_unverified")
    at_provider.client.cookies.clear()
    await refusal(visitor, await at_provider.callback(visitor, setting, "passant"), "unknown_person")
    at_provider.client.cookies.clear()
    back = await at_provider.callback(visitor, setting, "helene")
    assert (await visitor.get(back)).headers["location"] == "/c/eure/desk"
    assert "Hélène Marchand" in (await office.get("/c/eure/settings/people")).text
    assert (await visitor.get("/c/seine-maritime/desk")).status_code == 404

    # next time the subject counts, whatever the e-mail has become
    async with runtime.database.platform() as session:
        await session.execute(sa.update(Account).where(Account.email.like("helene%")).values(email="h@autre.example"))
    again = await at_provider.callback(visitor, setting, "helene")
    assert (await visitor.get(again)).status_code == 303


async def test_a_listed_domain_never_takes_another_cooperatives_person(
    runtime: Runtime, eure, seine_maritime, sign_in, provider, visitor, at_provider, refusal
) -> None:
    """A cooperative chooses its provider, and could choose a lying one: it gains nobody of another's."""
    setting = await provider.saved_by(await sign_in(Role.MANAGER, eure), domains="cooperative-eure.fr")
    async with runtime.database.platform() as session:
        account = await identity.add_account(session, email="helene@cooperative-eure.fr", display_name="Hélène")
        await identity.add_membership(session, account=account, role=Role.MANAGER, cooperative_id=seine_maritime.id)
    await refusal(visitor, await at_provider.callback(visitor, setting, "helene"), "email_taken")


async def test_an_invitation_is_taken_up_with_the_provider(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider, refusal
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    setting = await provider.saved_by(office)
    invited = {"name": "Hélène Marchand", "email": "Helene@perso.example", "role": "manager"}
    assert (await office.post("/c/eure/settings/people", invited)).status_code == 303
    async with runtime.database.platform() as session:
        body = await session.scalar(sa.select(Letter.body).where(Letter.recipient == "helene@perso.example"))
    found = re.search(r"http://localhost:8027(/signin/(\S+))", body or "")
    assert found
    page = await visitor.get(found[1])
    assert f'action="{setting.start}"' in page.text
    ready = await visitor.post(setting.start, {"link": found[2]})
    assert ready.status_code == 200
    way = re.search(r'href="(http://localhost:\d+/auth[^"]+)"', ready.text)
    assert way
    back = await at_provider.through(way[1].replace("&amp;", "&"), "helene")
    entered = await visitor.get(back)
    assert entered.headers["location"] == "/c/eure/desk"
    assert (await visitor.get(found[1])).status_code == 410  # the invitation has served
    # another person's invitation cannot take the same account of the provider
    another = {"name": "Autre", "email": "autre@perso.example", "role": "dispatcher"}
    await office.post("/c/eure/settings/people", another)
    async with runtime.database.platform() as session:
        other = await session.scalar(sa.select(Letter.body).where(Letter.recipient == "autre@perso.example"))
    token = re.search(r"/signin/(\S+)", other or "")
    assert token
    ready = await visitor.post(setting.start, {"link": token[1]})
    way = re.search(r'href="(http://localhost:\d+/auth[^"]+)"', ready.text)
    assert way
    await refusal(visitor, await at_provider.through(way[1].replace("&amp;", "&"), "helene"), "already_linked")


async def test_one_links_and_unlinks_ones_own_account(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider, refusal
) -> None:
    setting = await provider.saved_by(await sign_in(Role.MANAGER, eure))
    member = await sign_in(Role.MEMBER, eure)
    assert "Relier Annuaire" in (await member.get("/account/providers")).text
    ready = await member.post("/account/providers/link", {"provider": setting.id})
    way = re.search(r'href="(http://localhost:\d+/auth[^"]+)"', ready.text)
    assert way
    back = await at_provider.through(way[1].replace("&amp;", "&"), "passant")
    member.client.cookies.delete("maillage_session", domain="")
    assert (await member.get(back)).headers["location"] == "/c/eure/field"

    # a session that the provider opened may not touch the whole account
    page = (await member.get("/account/providers")).text
    assert "Connectez-vous d’abord par un lien" in page
    async with runtime.database.platform() as session:
        (row,) = (await session.scalars(sa.select(ExternalIdentity))).all()
    assert (await member.post("/account/providers/unlink", {"identity": str(row.id)})).status_code == 403
    assert (await member.post("/account/providers/link", {"provider": setting.id})).status_code == 403
    assert (await member.get("/account/sessions")).text.count('name="session"') == 1  # only what it opened

    async with runtime.database.platform() as session:
        membership = (await session.scalars(sa.select(Membership).where(Membership.role == "member"))).one()
        token = await identity.open_session(session, membership=membership)
    member.client.cookies.clear()
    member.client.cookies.set("maillage_session", token)
    assert (await member.post("/account/providers/unlink", {"identity": str(row.id)})).status_code == 303
    await refusal(visitor, await at_provider.callback(visitor, setting, "passant"), "unknown_person")


async def test_what_a_provider_opened_stays_in_its_cooperative(
    runtime: Runtime, eure, seine_maritime, sign_in, provider, visitor, at_provider, linked
) -> None:
    """Somebody of two cooperatives enters with the provider of one: the other needs a proof of their own."""
    setting = await provider.saved_by(await sign_in(Role.MANAGER, eure))
    await linked(setting, "helene")
    async with runtime.database.platform() as session:
        account = await identity.add_account(session, email="helene@lien.example", display_name="Helene")
        member = await identity.add_membership(session, account=account, role=Role.MEMBER, cooperative_id=eure.id)
        other = await identity.add_membership(
            session, account=account, role=Role.MANAGER, cooperative_id=seine_maritime.id
        )
    await visitor.get(await at_provider.callback(visitor, setting, "helene"))
    page = (await visitor.get("/account/hats")).text
    assert "n’ouvre pas cette coopérative" in page
    assert (await visitor.post("/account/hats", {"membership": str(other.id)})).status_code == 403
    assert (await visitor.get("/c/seine-maritime/desk")).status_code == 404
    switched = await visitor.post("/account/hats", {"membership": str(member.id)})
    assert switched.headers["location"] == "/c/eure/field"
    assert (await visitor.post("/account/hats", {"membership": str(other.id)})).status_code == 403  # still confined


async def test_a_provider_that_signs_what_it_tells(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider
) -> None:
    """As ProConnect does: userinfo is a signed token."""
    setting = await provider.saved_by(
        await sign_in(Role.MANAGER, eure),
        domains="cooperative-eure.fr",
        userinfo_signed_response_alg="RS256",
    )
    back = await at_provider.callback(visitor, setting, "helene")
    assert (await visitor.get(back)).headers["location"] == "/c/eure/desk"
    assert provider.asked[-1] == "/me"
