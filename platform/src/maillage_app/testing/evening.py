"""One evening in the Eure, lived through the pages' own forms: cases in most states, calls answered and missed."""

import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from maillage_app.demo.founding import Colleague
from maillage_app.demo.signature import drawn_signature
from maillage_app.testing.world import BURST, PONT_AUDEMER, Hand, World
from maillage_kit.http_client import http_client
from maillage_kit.permissions import Role

PICTURE = base64.b64decode(drawn_signature("photo").partition(",")[2])


@dataclass(frozen=True)
class Evening:
    """What happened before a screen is looked at. `artisan` has the running cases; paths are of whole pages."""

    artisan: Colleague
    closed: UUID
    signing: UUID
    running: UUID
    held: UUID
    offered: UUID
    redirected: UUID
    tracking: str
    answered_call: UUID
    missed_call: UUID


async def spend_evening(world: World) -> Evening:
    """Cases in most states, an answered call and a missed one, made through the pages' own forms."""
    artisan, telephone = await world.on_call()
    his, office = await world.hand(Role.MEMBER, artisan), await world.hand(Role.MANAGER)

    async def taken(name: str, *steps: str, **form: Any) -> UUID:
        case_id = await world.asks(name, **form)
        offer = await world.value(
            "select id from offer where intervention_id = :id and offered_at is not null", id=case_id
        )
        await his.post(f"{world.base}/field/offers/{offer}/accept")
        for step in steps:
            world.clock.advance(minutes=12)
            await his.post(f"{world.base}/cases/{case_id}/advance", {"step": step})
        return case_id

    async def quoted(case_id: UUID) -> str:
        acts = f"{world.base}/cases/{case_id}"
        await his.post(f"{acts}/quote", {"premises_use": "dwelling", "over_two_years": "yes", "certify": "yes"})
        quote = await world.value("select id from quote where intervention_id = :id", id=case_id)
        await his.post(f"{acts}/quotes/{quote}/send")
        return f"{acts}/quotes/{quote}"

    answered = await world.company.calls("+33199009981", world.cooperative.public_number)
    telephone.rings().presses("1")
    await (await answered.presses("1")).presses("27500")
    await answered.hangs_up()
    missed = await world.company.calls("+33199009982", world.cooperative.public_number)
    await (await missed.presses("1")).presses("27000")
    closed = await taken("Madame Lefèvre", "depart", "arrive")
    acts, quote = f"{world.base}/cases/{closed}", await quoted(closed)
    await his.post(
        f"{quote}/sign",
        {"signature": drawn_signature("Lefèvre"), "signed_by": "Madame Lefèvre", "vat_certified": "1"},
    )
    for step in ("make_safe", "finish"):
        world.clock.advance(minutes=18)
        await his.post(f"{acts}/advance", {"step": step})
    photo = ("évier.png", PICTURE, "image/png")
    await his.post(f"{acts}/attachments", {"kind": "after"}, files={"photos": photo})
    report = {
        "r_leak_location": "Sous l’évier", "r_pipe_type": "copper", "r_pipe_after_meter": "yes",
        "r_repaired_on": "2027-03-06", "r_cause": "Raccord cassé", "r_work_done": "Raccord remplacé",
        "r_made_safe": "yes",
    }  # fmt: skip
    await his.post(f"{acts}/report", report)
    await his.post(f"{acts}/note")
    gross = await world.value("select gross from invoice where intervention_id = :id", id=closed)
    await his.post(f"{acts}/payment", {"amount": f"{gross // 100},{gross % 100:02d}", "method": "card"})
    await his.post(f"{acts}/close")
    await world.reviewed(closed)
    signing = await taken("Monsieur Aubry", "depart", "arrive")
    await quoted(signing)
    held = await taken("Gérard Pinchon", "depart", "arrive")
    await his.post(f"{world.base}/cases/{held}/hold", {"reason": "occupant_absent", "note": "Sonné deux fois"})
    running = await taken("Boulangerie Vasseur", "depart", premises_use="business", over_two_years="no")
    redirected = await world.asks("Madame Roussel", dispatch=False, q_danger="gas_smell")
    offered = await world.asks("Léa Fontaine")
    visitor = Hand(await world.stack.enter_async_context(http_client(base_url=world.url, timeout=30)))
    asked = {"trade": "plumbing", "name": "Paul Martin", "phone": "01 99 00 98 77", "address": "8, rue des Carmes"}
    tracking = await visitor.post(f"{world.public}/demande", {**asked, "insee": PONT_AUDEMER, **BURST})
    calls = {row["caller"]: row["id"] for row in await world.rows("select caller, id from call")}
    await office.post(f"{world.base}/rota/drafts", {"semester": "2027-S2"})
    return Evening(
        artisan, closed, signing, running, held, offered, redirected, urlsplit(tracking).path,
        calls["+33199009981"], calls["+33199009982"],
    )  # fmt: skip
