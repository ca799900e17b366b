"""The Eure as the demo founds it, its people and the phone company that rings them, for tests of whole screens."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import sqlalchemy as sa

from maillage_app.demo.founding import Colleague
from maillage_app.demo.plans import EURE
from maillage_app.runtime import Runtime
from maillage_app.testing.processes import Process
from maillage_kit import clock
from maillage_kit.clock import SharedClock
from maillage_kit.context import CooperativeContext
from maillage_kit.crypto import token_hash
from maillage_kit.http_client import http_client
from maillage_kit.permissions import FIELD_ROLES, Role
from maillage_kit.testing.phone_company import Phone, PhoneCompany
from maillage_platform import identity, webhooks
from maillage_platform.identity.models import IdentityProvider, Membership
from maillage_platform.oauth.models import ApiClient
from maillage_platform.oauth.rules import AuthMethod, GrantKind
from maillage_platform.webhooks.models import WebhookDelivery, WebhookEndpoint
from maillage_platform.webhooks.rules import DeliveryState, Problem
from maillage_tenants import reviews, rota, territory

PONT_AUDEMER = "27467"
BURST = {
    "q_danger": "none", "q_problem": "leak", "q_flow": "burst", "q_shut_off": "no", "q_pipe_owner": "private",
    "q_wet_electricity": "no", "q_neighbour_hit": "no", "q_vulnerable": "no",
}  # fmt: skip


class Hand:
    """Somebody signed in, over plain HTTP: what the world needs done before a browser looks at it."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str) -> str:
        answer = await self.client.get(path, headers={"accept": "text/html"})
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return answer.text

    async def post(self, path: str, form: Mapping[str, str] | None = None, **more: Any) -> str:
        """Returns where the answer leads."""
        if "maillage_csrf" not in self.client.cookies:
            await self.client.get("/signin", headers={"accept": "text/html"})
        headers = {"accept": "text/html", "x-csrftoken": self.client.cookies["maillage_csrf"]}
        answer = await self.client.post(path, data=dict(form or {}), headers=headers, **more)
        assert answer.status_code == 303, f"{path}: {answer.status_code} {answer.text[-1500:]}"
        return answer.headers["location"]


@dataclass
class World:
    """The cooperative of the Eure, its people, and the phone company that rings them."""

    runtime: Runtime
    cooperative: CooperativeContext
    url: str
    server: Process
    clock: SharedClock
    company: PhoneCompany
    stack: contextlib.AsyncExitStack
    colleagues: dict[UUID, Colleague] = field(default_factory=dict)
    landlord: UUID | None = None

    @property
    def base(self) -> str:
        return f"/c/{self.cooperative.slug}"

    @property
    def public(self) -> str:
        return f"/p/{self.cooperative.slug}"

    async def token(self, role: Role, colleague: Colleague | None = None) -> str:
        """A session of somebody of that role; a member is that colleague, who has this role from now on, a partner
        is of `landlord`."""
        with clock.using(self.clock):
            async with self.runtime.database.platform() as session:
                new = self.cooperative
                email, name = (EURE.manager_email, new.manager_name)
                hat: dict[str, Any] = {"cooperative_id": new.id}
                if role.of_federation:
                    email, name, hat = "nadia.benard@federation.example", "Nadia Benard", {"cooperative_id": None}
                elif role is Role.PARTNER:
                    email, name = "claire.martin@habitat.example", "Claire Martin"
                    hat |= {"customer_id": self.landlord}
                elif colleague is not None:
                    email, name = colleague.email, colleague.name
                    hat |= {"member_id": colleague.member_id, "technician_id": colleague.technician_id}
                account = await identity.add_account(session, email=email, display_name=name)
                if colleague is not None:  # whoever had two hats would be asked which one to enter with
                    his = sa.update(Membership).where(Membership.account_id == account.id)
                    await session.execute(his.where(Membership.role.in_(FIELD_ROLES)).values(role=role))
                membership = await identity.add_membership(session, account=account, role=role, **hat)
                return await identity.open_session(session, membership=membership)

    async def link(self) -> str:
        """The secret of a one-time link for the manager."""
        with clock.using(self.clock):
            async with self.runtime.database.platform() as session:
                name = self.cooperative.manager_name
                account = await identity.add_account(session, email=EURE.manager_email, display_name=name)
                return (await identity.make_link(session, account=account)).rsplit("/", 1)[-1]

    async def provider(self, cooperative_id: UUID | None) -> UUID:
        """An identity provider of the cooperative, or of the federation."""
        async with self.runtime.database.platform() as session:
            row = IdentityProvider(
                cooperative_id=cooperative_id,
                name="Annuaire de l’Eure",
                issuer="https://annuaire.example",
                client_id="maillage",
                allowed_domains=["eure.example"],
                changed_at=self.clock.now(),
                changed_by=self.cooperative.manager_name,
            )
            session.add(row)
            await session.flush()
            return row.id

    async def api_client(
        self, redirect_uri: str = "https://partenaire.example/retour", *, secret: str = "", scopes: Sequence[str] = ()
    ) -> UUID:
        """An application of the cooperative; with a secret, it may ask for tokens."""
        async with self.runtime.database.platform() as session:
            row = ApiClient(
                cooperative_id=self.cooperative.id,
                name="Habitat 27",
                auth_method=AuthMethod.SECRET,
                grants=list(GrantKind),
                redirect_uris=[redirect_uri],
                scopes=[*scopes] or ["requests:write", "interventions:read"],
                secret_hash=token_hash(secret) if secret else None,
                changed_at=self.clock.now(),
                changed_by=self.cooperative.manager_name,
            )
            session.add(row)
            await session.flush()
            return row.id

    async def reviewed(self, case_id: UUID) -> None:
        """The customer gave a review of a closed case; nobody has answered."""
        with clock.using(self.clock):
            async with self.runtime.database.tenant(self.cooperative.tenant) as session:
                await reviews.give_review(
                    session,
                    case_id=case_id,
                    rating=4,
                    comment="Rapide et aimable.\nUn peu de sciure laissée.",
                    at=self.clock.now(),
                    by="Client (site web)",
                )

    async def webhook(self) -> UUID:
        """An address of the cooperative that is told what happens, paused; something given up and something waiting."""
        async with self.runtime.database.platform() as session:
            row = WebhookEndpoint(
                cooperative_id=self.cooperative.id,
                name="Habitat 27",
                url="https://habitat27.example/maillage",
                types=[each.name for each in webhooks.CATALOGUE],
                secret=self.runtime.cipher.encrypt("whsec_AAAA"),
                changed_at=self.clock.now(),
                changed_by=self.cooperative.manager_name,
                paused_at=self.clock.now(),
            )
            session.add(row)
            await session.flush()
            for state in DeliveryState:
                session.add(
                    WebhookDelivery(
                        endpoint_id=row.id,
                        type="quote.sent.v1",
                        body="{}",
                        occurred_at=self.clock.now(),
                        state=state,
                        attempts=3,
                        next_at=self.clock.now(),
                        tried_at=self.clock.now(),
                        problem=None if state is DeliveryState.DELIVERED else Problem.STATUS,
                        status=204 if state is DeliveryState.DELIVERED else 500,
                    )
                )
            await session.flush()
            return row.id

    async def hand(self, role: Role, colleague: Colleague | None = None) -> Hand:
        client = await self.stack.enter_async_context(http_client(base_url=self.url, timeout=30))
        client.cookies.set("maillage_session", await self.token(role, colleague))
        return Hand(client)

    async def on_call(self, rank: int = 1, insee: str = PONT_AUDEMER) -> tuple[Colleague, Phone]:
        """The plumber on call for a commune now, with the phone."""
        async with self.runtime.database.tenant(self.cooperative.tenant) as session:
            at = self.clock.now()
            sector = await territory.sector_of(session, insee=insee, trade="plumbing", at=at)
            assert sector is not None
            found = await rota.on_call(session, sector_ids=(sector.id,), trade="plumbing", at=at)
        line = next(line for line in found if line.rank == rank)
        return self.colleagues[line.technician_id], self.company.phone(line.name, line.phone)

    async def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        async with self.runtime.database.tenant(self.cooperative.tenant) as session:
            return [dict(row) for row in (await session.execute(sa.text(statement), values)).mappings()]

    async def value(self, statement: str, **values: Any) -> Any:
        (row,) = await self.rows(statement, **values)
        return next(iter(row.values()))

    async def asks(self, name: str, *, dispatch: bool = True, **form: str) -> UUID:
        """The office enters a burst pipe at Pont-Audemer for that caller. Returns the case."""
        asked = {
            "trade": "plumbing", "caller_name": name, "caller_phone": "01 99 00 98 76",
            "address": "3, rue Sadi-Carnot", "insee": PONT_AUDEMER, "premises_use": "dwelling",
            "over_two_years": "yes", "words": "L’eau jaillit sous l’évier", **BURST,
            **({"dispatch": "1"} if dispatch else {}), **form,
        }  # fmt: skip
        office = await self.hand(Role.MANAGER)
        return UUID((await office.post(f"{self.base}/desk/new", asked)).rsplit("/", 1)[-1].split("#")[0])
