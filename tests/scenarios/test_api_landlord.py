"""A landlord’s software written with the Python client, against the real server on a real port: 300 dwellings, five
cases followed to their end by what the cooperative tells its address, quotes over the limit approved, the invoices
downloaded. With tokens of our own server, and messages that it checks as the client's page says."""

import asyncio
import contextlib
import hashlib
import os
import re
import sys
import threading
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any
from uuid import UUID

import pytest

from maillage_app.runtime import Runtime
from maillage_app.telling import tell_webhooks
from maillage_app.testing.real_server import Server
from maillage_client import (
    ChangedMeanwhile,
    Client,
    Following,
    Invalid,
    NotAllowed,
    NotFound,
    Notice,
    TokenRefused,
    Webhooks,
    new_secret,
)
from maillage_client.models import (
    Approval,
    Cancellation,
    ConsumerStatus,
    CustomerKind,
    DwellingImport,
    Intervention,
    Invoice,
    InvoiceKind,
    NewCustomer,
    NewOccupant,
    NewRequest,
    NewSite,
    NewWebhook,
    Opened,
    PremisesUse,
    Quote,
    QuoteState,
    SiteChange,
    Status,
)
from maillage_kit.clock import SharedClock
from maillage_kit.context import CooperativeContext
from maillage_kit.guarded_http import GuardedHttp
from maillage_kit.http_client import http_client
from maillage_kit.testing.oauth_application import OAuthApplication
from maillage_tenants import interventions, invoices, quotes

EVENTS = ["intervention.state_changed.v1", "intervention.closed.v1", "quote.sent.v1", "note.issued.v1"]
README = Path(__file__).resolve().parents[2] / "clients" / "python" / "README.md"
HABITAT = NewCustomer(
    kind=CustomerKind.ORGANISATION,
    consumer_status=ConsumerStatus.PROFESSIONAL,
    name="Habitat de l’Eure",
    siren="404833048",
    email="astreinte@habitat.example",
    billing_address="10 boulevard Georges-Chauvin",
    billing_postcode="27000",
    billing_city="Évreux",
)
BURST = {
    "danger": "none", "problem": "leak", "flow": "burst", "shut_off": "no", "pipe_owner": "private",
    "wet_electricity": "no", "neighbour_hit": "no", "vulnerable": "no",
}  # fmt: skip
LIMIT = 5_000
DWELLINGS = 300
CASES = 5


def flat(number: int) -> NewSite:
    return NewSite(
        reference=f"RES-{number:03d}",
        address=f"{number} rue Sadi-Carnot",
        postcode="27500",
        insee="27467",
        premises_use=PremisesUse.DWELLING,
        over_two_years=True,
        occupant_name=f"Locataire {number}",
    )


def request_for(landlord: UUID, number: int) -> NewRequest:
    return NewRequest(
        customer_id=landlord,
        dwelling_reference=f"RES-{number:03d}",
        trade="plumbing",
        answers=BURST,
        occupant=NewOccupant(name=f"Locataire {number}", phone=f"+3361234560{number}"),
        words="L’eau jaillit sous l’évier",
        reference=f"DI-{number:03d}",
        spending_limit_cents=LIMIT,
    )


@pytest.fixture
def opens(api_server: Server, landlord: OAuthApplication) -> Callable[..., Client]:
    """The landlord's software, as it starts."""

    def start(**more: Any) -> Client:
        assert landlord.secret is not None
        return Client(api_server.url, "eure", client_id=landlord.client_id, secret=landlord.secret, **more)

    return start


class Karim:
    """The artisan: what he does is done in the product itself. Time moves by less than a token lives, at each act."""

    def __init__(self, runtime: Runtime, eure: CooperativeContext, crew: Any, clock: SharedClock) -> None:
        self._runtime, self._eure, self._clock = runtime, eure, clock
        self._me = crew.artisans[0]

    def _session(self) -> Any:
        return self._runtime.database.tenant(self._eure.tenant)

    async def accepts(self, case_id: UUID) -> None:
        async with self._session() as session:
            offers = await interventions.offers(session, case_id=case_id)
            (mine,) = [offer for offer in offers if offer.technician_id == self._me.technician_id]
            await interventions.accept_offer(
                session,
                offer_id=mine.id,
                technician_id=self._me.technician_id,
                at=self._clock.now(),
                by=self._me.name,
            )

    async def departs(self, case_id: UUID) -> None:
        self._clock.advance(minutes=1)
        async with self._session() as session:
            await interventions.depart(session, case_id=case_id, at=self._clock.now(), by=self._me.name)

    async def quotes(self, case_id: UUID) -> UUID:
        self._clock.advance(minutes=1)
        async with self._session() as session:
            await interventions.arrive(session, case_id=case_id, at=self._clock.now(), by=self._me.name)
            drafted = await quotes.draft_quote(
                session,
                cooperative=self._eure,
                case_id=case_id,
                trade_plugin=self._runtime.trades.get("plumbing"),
                labour_minutes=120,
                parts={},
                certify=True,
                by=self._me.name,
            )
            assert drafted.emergency is not None
            await quotes.send_quote(session, cooperative=self._eure, quote_id=drafted.emergency, by=self._me.name)
        return drafted.emergency

    async def finishes(self, case_id: UUID) -> UUID:
        """Raises when the work was not agreed to; the id of the invoice."""
        self._clock.advance(minutes=2)
        async with self._session() as session:
            await interventions.add_attachment(
                session,
                case_id=case_id,
                kind="after",
                filename="évier.jpg",
                content=b"\xff\xd8\xff\xe0" + b"0" * 50,
                at=self._clock.now(),
                by=self._me.name,
            )
            authority = await quotes.work_authority(session, case_id=case_id)
            await interventions.finish_work(
                session, case_id=case_id, at=self._clock.now(), by=self._me.name, authority=authority
            )
            note = await invoices.issue_note(session, cooperative=self._eure, case_id=case_id, by=self._me.name)
        return note.id


# What the landlord's software does, each a plain function of its own.


def registers(software: Client) -> UUID:
    landlord = software.create_customer(HABITAT)
    report = software.import_sites(
        landlord.id, DwellingImport(rows=[flat(number) for number in range(1, DWELLINGS + 1)])
    )
    assert (report.created, report.invalid) == (DWELLINGS, 0)
    return landlord.id


def opens_cases(software: Client, landlord: UUID) -> list[Opened]:
    return [software.open_request(request_for(landlord, number)) for number in range(1, CASES + 1)]


@dataclass
class Habitat:
    """What the landlord's software knows: the statuses of each case as they came, what it agreed to, its invoices."""

    seen: dict[UUID, list[Status]]
    agreed: dict[UUID, Quote] = field(default_factory=dict)
    invoices: dict[UUID, tuple[Invoice, bytes]] = field(default_factory=dict)

    def follows(self, software: Client, notices: "Queue[Notice | None]") -> None:
        """Looks where a message says that something happened, and nowhere else; a message that comes again is done
        with. Ends with None."""
        following, done = Following(software, self.seen), set[str]()
        for case_id in self.seen:
            self._shows(following.look(case_id))
        while (notice := notices.get()) is not None:
            if notice.id in done:
                continue
            done.add(notice.id)
            self._shows(following.told(notice))
            about = notice.case_id
            assert about is not None
            if notice.type == "quote.sent.v1":
                self.agreed[about] = decides(software, about)
            if notice.type == "note.issued.v1":
                (invoice,) = software.list_invoices(case_id=about)
                self.invoices[about] = (invoice, software.get_invoice_document(invoice.id))

    def _shows(self, case: Intervention | None) -> None:
        if case is not None and case.status not in self.seen[case.id][-1:]:
            self.seen[case.id].append(case.status)


@contextlib.contextmanager
def the_door(secret: str, clock: SharedClock) -> Iterator[tuple[str, "Queue[Notice | None]"]]:
    """The landlord's own web server, as the client's page says to write it: its address, and what came there."""
    (written,) = [each for each in examples() if "class Door" in each]
    wrote: dict[str, Any] = {"secret": secret}
    exec(written, wrote)
    wrote["webhooks"] = Webhooks(secret, now=lambda: clock.now().timestamp())
    wrote["Door"].log_message = lambda *_: None
    server = ThreadingHTTPServer(("127.0.0.1", 0), wrote["Door"])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/maillage", wrote["notices"]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.asynccontextmanager
async def telling(runtime: Runtime) -> AsyncIterator[None]:
    """The worker's part: what happened is told, again and again."""

    async def forever() -> None:
        while True:
            await tell_webhooks(runtime, GuardedHttp(open_to_private=True))
            await asyncio.sleep(0.05)

    task = asyncio.create_task(forever())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def examples() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def decides(software: Client, case_id: UUID) -> Quote:
    """Reads the quote and its document; over the limit somebody decides, and signs what was read (R4)."""
    (quote,) = software.list_quotes(case_id=case_id, state=QuoteState.SENT)
    assert quote.within_spending_limit is False and quote.gross_cents > LIMIT
    document = software.get_quote_document(quote.id)
    digest = hashlib.sha256(document).hexdigest()
    assert digest == quote.document_sha256
    agreed = Approval(document_sha256=digest, signed_by="Claire Martin", vat_certified=True)
    return software.approve_quote(quote.id, agreed)


async def test_three_hundred_dwellings_five_cases_a_quote_and_an_invoice(
    runtime: Runtime, eure: CooperativeContext, crew: Any, opens: Callable[..., Client], shared_clock: SharedClock
) -> None:
    karim = Karim(runtime, eure, crew, shared_clock)
    secret = new_secret()
    with opens() as software, opens() as screen, the_door(secret, shared_clock) as (address, notices):
        landlord = await asyncio.to_thread(registers, software)
        sites = await asyncio.to_thread(lambda: list(software.list_sites(landlord)))
        assert len({site.reference for site in sites}) == len(sites) == DWELLINGS, "over two pages"
        told = NewWebhook(name="Habitat", url=address, types=EVENTS, secret=secret)
        await asyncio.to_thread(software.create_webhook, told)

        opened = await asyncio.to_thread(opens_cases, software, landlord)
        cases = [one.intervention.id for one in opened]
        assert {one.intervention.status for one in opened} == {Status.OPEN_REQUESTED}
        assert all(one.redirect is None for one in opened)

        habitat = Habitat({case_id: [] for case_id in cases})
        following = asyncio.create_task(asyncio.to_thread(habitat.follows, screen, notices))

        async def until(what: Callable[[], bool]) -> None:
            """The landlord's software has heard of it."""
            async with asyncio.timeout(120):
                while not what():
                    assert not following.done(), following.exception()
                    await asyncio.sleep(0.05)

        async def shown(status: Status, among: list[UUID]) -> None:
            await until(lambda: all(status in habitat.seen[case_id] for case_id in among))

        *repaired, called_off = cases
        try:
            async with telling(runtime):
                await shown(Status.OPEN_REQUESTED, cases)
                reason = Cancellation(reason="Le locataire a réparé.")
                await asyncio.to_thread(software.cancel_request, called_off, reason)
                for case_id in repaired:
                    await karim.accepts(case_id)
                await shown(Status.OPEN_ACKNOWLEDGED, repaired)
                artisan = (await asyncio.to_thread(software.get_intervention, repaired[0])).value.artisan
                assert artisan is not None and artisan.person == "Karim Benali"
                for case_id in repaired:
                    await karim.departs(case_id)
                await shown(Status.OPEN_PLANNED, repaired)
                notes = {}
                for case_id in repaired:
                    await karim.quotes(case_id)
                    await until(partial(habitat.agreed.__contains__, case_id))
                    notes[case_id] = await karim.finishes(case_id)
                await shown(Status.CLOSED_DONE, repaired)
                await shown(Status.DENIED_CANCELED, [called_off])
                await until(lambda: habitat.invoices.keys() == set(repaired))
                async with http_client() as stranger:
                    forged = {"webhook-id": "1", "webhook-timestamp": str(int(shared_clock.now().timestamp()))}
                    body = b'{"type": "quote.sent.v1", "timestamp": "2027-03-01T08:00:00Z", "data": {}}'
                    assert (await stranger.post(address, headers=forged, content=body)).status_code == 400
        finally:
            notices.put(None)
        await asyncio.wait_for(following, timeout=60)

        whole = [Status.OPEN_REQUESTED, Status.OPEN_ACKNOWLEDGED, Status.OPEN_PLANNED, Status.CLOSED_DONE]
        assert habitat.seen[called_off] == [Status.OPEN_REQUESTED, Status.DENIED_CANCELED]
        assert [habitat.seen[case_id] for case_id in repaired] == [whole] * len(repaired)
        assert habitat.agreed.keys() == set(repaired)
        for quote in habitat.agreed.values():
            assert (quote.state, quote.signed_by) == (QuoteState.SIGNED, "Claire Martin")
        for case_id, (invoice, document) in habitat.invoices.items():
            assert (invoice.id, invoice.kind) == (notes[case_id], InvoiceKind.INVOICE)
            assert invoice.gross_cents == invoice.due_cents > LIMIT
            assert document.startswith(b"%PDF-") and hashlib.sha256(document).hexdigest() == invoice.document_sha256

        listed = await asyncio.to_thread(lambda: list(software.list_interventions(status=Status.CLOSED_DONE)))
        assert {case.id for case in listed} == set(repaired)
        (photo,) = await asyncio.to_thread(lambda: list(software.list_documents(repaired[0])))
        assert len(await asyncio.to_thread(software.get_document, repaired[0], photo.id)) == photo.size


def corrects(software: Client, other: Client) -> None:
    landlord = software.create_customer(HABITAT, idempotency_key="our-first-customer")
    assert software.create_customer(HABITAT, idempotency_key="our-first-customer") == landlord, "done once"
    assert [customer.id for customer in software.list_customers()] == [landlord.id]
    made = software.create_site(landlord.id, flat(1))
    read = software.get_site(landlord.id, made.id)
    assert software.get_site(landlord.id, made.id, known=read) is read, "not changed"
    changed = software.change_site(landlord.id, made.id, SiteChange(label="Cave"), if_match=read.etag)
    assert (changed.value.label, changed.value.reference) == ("Cave", "RES-001"), "what is not given stays"
    with pytest.raises(ChangedMeanwhile):
        software.change_site(landlord.id, made.id, SiteChange(label="Grenier"), if_match=read.etag)
    assert software.get_site(landlord.id, made.id, known=read).value.label == "Cave"
    with pytest.raises(Invalid) as wrong:
        software.open_request(request_for(landlord.id, 2))
    assert wrong.value.fields.keys() == {"dwelling_reference"} and wrong.value.reference
    with pytest.raises(NotFound):
        software.get_site(made.id, made.id)
    with pytest.raises(NotAllowed, match="interventions:read"):
        next(other.list_interventions())


async def test_what_goes_wrong_has_its_exception(opens: Callable[..., Client], api_server: Server) -> None:
    with opens() as software, opens(scope="customers:read") as other:
        await asyncio.to_thread(corrects, software, other)
    with Client(api_server.url, "eure", client_id="habitat", secret="wrong") as stranger:
        with pytest.raises(TokenRefused) as refused:
            await asyncio.to_thread(stranger.get_cooperative)
        assert refused.value.error == "invalid_client"


async def test_a_token_that_ended_is_replaced(opens: Callable[..., Client], shared_clock: SharedClock) -> None:
    with opens() as software:
        first = await asyncio.to_thread(software.get_cooperative)
        shared_clock.advance(hours=2)
        assert await asyncio.to_thread(software.get_cooperative) == first


async def test_the_example_of_the_readme_does_what_it_says(
    crew: Any, opens: Callable[..., Client], landlord: OAuthApplication, api_server: Server
) -> None:
    """Typed as it stands, but for the half minute between two looks; its case is called off so that it ends."""
    (example,) = [each for each in examples() if "every=30" in each]
    who = {"URL": api_server.url, "CLIENT_ID": landlord.client_id, "SECRET": str(landlord.secret)}
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        example.replace("every=30", "every=0.2"),
        env={**os.environ, **who},
        stdout=PIPE,
        stderr=PIPE,
    )
    talk = asyncio.create_task(program.communicate())
    with opens() as software:
        found: list[Intervention] = []
        async with asyncio.timeout(60):
            while not found:
                assert not talk.done(), await talk
                found = await asyncio.to_thread(lambda: list(software.list_interventions(status=Status.OPEN_REQUESTED)))
        await asyncio.to_thread(software.cancel_request, found[0].id, Cancellation(reason="Le locataire a réparé."))
    said, wrong = await asyncio.wait_for(talk, timeout=60)
    assert (program.returncode, wrong.decode()) == (0, "")
    lines = said.decode().splitlines()
    assert lines[:2] == ["1 dwelling registered", "I-2027-000001 open/requested"]
    assert lines[-1] == "I-2027-000001 denied/canceled "
