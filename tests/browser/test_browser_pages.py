"""Every page at 1280, 1024 and 360 px: whole, quiet, accessible, reachable with a keyboard.

The addresses come from the route table: a new page is looked at by itself, a new kind of answer that is no page must
be named in NO_PAGE.
"""

import asyncio
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from playwright.async_api import Page, expect

from maillage_app.app import build_app
from maillage_kit.permissions import Role, roles_with
from maillage_kit.web import asked_of

pytestmark = pytest.mark.asyncio(loop_scope="session")
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
# answers that are no whole page: fragments, streams, files, health, the API but for its reference
NO_PAGE = re.compile(
    r"^/(health|static)|/events$|/pdf$|/csv$|/xlsx$|/agenda/\{|\.pdf$|/board$|/communes$|/desk/new/customers$|/field/list$|/status$|/etat$"
    r"|^/telephony/|^/dev/phone/|/telephony/prompts/\{name:str\}/sound$|/calls/\{call_id:uuid\}/recordings/"
    r"|^/api/v1/(cooperatives|openapi\.json$)"
    r"|^/signin/openid/|^/oauth/jwks$|^/\.well-known/|/attachments/\{|/documents/\{code|/devis/\{quote_id:uuid\}$"
)
TABS = 3  # pages looked at side by side

# codes and other words that are no French, straight apostrophes
ODD_WORDS = (
    r"[A-Za-zÀ-ÿ]'[A-Za-zÀ-ÿ]|[a-z]+_[a-z]+|\b(None|True|False|undefined|NaN|plumbing|locksmith|glazing|requested|offered"
    r"|accepted|en_route|on_site|made_safe|on_hold|redirected|cancelled|dwelling|business|rank1|rank2|draft|published)\b"
)
WIDE = """
  const shown = (el) => el.checkVisibility({visibilityProperty: true, opacityProperty: true});
  const wrong = [], wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) {
    const culprit = [...document.querySelectorAll('main *, header *, footer *')].filter(shown)
      .filter((el) => el.getBoundingClientRect().right > innerWidth + 1 && !el.closest('.scroll-region, .tabs'))
      .slice(-1).map((el) => el.outerHTML.slice(0, 120));
    wrong.push(`${wide} px wide on a screen of ${innerWidth}: ${culprit}`);
  }
  for (const table of document.querySelectorAll('.card table')) {
    const over = table.getBoundingClientRect().right - table.closest('.card').getBoundingClientRect().right;
    if (shown(table) && over > 1) wrong.push(`table wider than its card by ${over} px: ${table.caption?.innerText}`);
  }
"""
LOOK = (
    f"(odd) => {{{WIDE}"
    + """
  const titles = [...document.querySelectorAll('h1')].filter(shown);
  if (titles.length !== 1) wrong.push(`${titles.length} h1`);
  if (document.documentElement.lang !== 'fr') wrong.push('lang is not fr');
  if (!/\\S+ · \\S+/.test(document.title)) wrong.push(`title: ${document.title}`);
  for (const el of document.querySelectorAll('input:not([type=hidden]), select, textarea')) {
    const named = [...el.labels].some((label) => label.textContent.trim()) || el.ariaLabel;
    if (!named) wrong.push(`no label: ${el.outerHTML.slice(0, 120)}`);
  }
  const ids = [...document.querySelectorAll('[id]')].map((el) => el.id);
  for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) wrong.push(`id twice: ${id}`);
  let words = document.body.innerText;  // what is set as code is no French: names of the API
  for (const code of document.querySelectorAll('main code')) words = words.replace(code.innerText, ' ');
  // links of letters end with what was drawn by chance
  if (location.pathname === '/dev/mailbox') words = words.replace(/https?:\\/\\/\\S+/g, ' ');
  for (const found of words.matchAll(new RegExp(odd, 'g'))) {
    const around = words.slice(Math.max(0, found.index - 30), found.index + 40);
    wrong.push(`words: ${around.replace(/\\s+/g, ' ')}`);
  }
  return wrong;
}"""
)
FITS = f"() => {{{WIDE} return wrong; }}"
# a search that ended with a place nobody can hold
SOLVED = """
insert into solve_run (id, semester, kind, state, label, seconds, seed, instance, asked_at, asked_by, ended_why,
  elapsed, steps, slots, uncovered, points, bound, spread, result)
values (gen_random_uuid(), '2027-S2', 'draft', 'done', 'Premier essai', 60, 7, '', now(), 'Hélène Marchand', 'time', 60,
  212, 1712, 1, 2399, 2380, 1.4, '{"least": 1, "holes": [{"title":
  "Semaine 31, secteur Vexin, vitrerie, rang 1 : 3 associés qualifiés, tous absents",
  "sector_id": "00000000-0000-0000-0000-000000000001", "trade": "glazing", "rank": 1, "periods": [],
  "why": "Absents : Anne Lenoir (congés du 02/08/2027 au 08/08/2027).",
  "fixes": ["Emprunter Luc Binet à Évreux pour Vexin."]}]}')
returning id"""
# what a keyboard should reach inside <main>: one of each radio group, nothing hidden
REACHABLE = """() => {
  const groups = new Set();
  const controls = 'main :is(a[href], button, summary, input:not([type=hidden]), select, textarea)';
  return [...document.querySelectorAll(controls)]
    .filter((el) => el.checkVisibility({visibilityProperty: true}) && el.tabIndex >= 0 && !el.disabled)
    .filter((el) => {
      if (el.type !== 'radio') return true;
      const group = el.name + [...document.forms].indexOf(el.form);
      return !groups.has(group) && groups.add(group);
    }).length;
}"""
FOCUS = """() => {
  const el = document.activeElement;
  if (!el || !el.closest('main')) return null;
  const style = getComputedStyle(el), box = el.getBoundingClientRect();
  const marked = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2)
    || el.type === 'date' || el.type === 'datetime-local';  // the browser marks the part of the date itself
  return {
    at: [...document.querySelectorAll('*')].indexOf(el), html: el.outerHTML.slice(0, 140),
    seen: marked && box.width > 0 && box.bottom > 0 && box.top < innerHeight,
  };
}"""


def pages(app: Litestar) -> list[tuple[str, frozenset[Role]]]:
    """(address as declared, roles) of every whole page."""
    found = []
    for route in app.routes:
        if not isinstance(route, HTTPRoute) or NO_PAGE.search(route.path) or "static" in route.path:
            continue
        for handler in route.route_handlers:
            if "GET" in handler.http_methods:
                found.append((route.path, roles_with(asked_of(handler) or ())))
    return sorted(found, key=lambda page: page[0])


async def test_every_page_is_whole_at_every_width(world: Any, evening: Any, open_screen: Any) -> None:
    ids = await known_ids(world, evening)
    jobs: asyncio.Queue[tuple[Role | None, str]] = asyncio.Queue()
    for path, roles in pages(build_app(world.runtime)):
        role = next(
            (each for each in (Role.MANAGER, Role.OPERATOR, Role.MEMBER, Role.SUPPORT, Role.PARTNER) if each in roles),
            None,
        )
        if path == "/oauth/authorize":
            role = Role.MANAGER
        for address in addresses(path, world, evening, ids):
            jobs.put_nowait((role, address))
    for more in ("rota?semester=2027-S2", "cases?q=personne", "customers?q=personne", "calls?show=callbacks"):
        jobs.put_nowait((Role.MANAGER, f"{world.base}/{more}"))
    jobs.put_nowait((None, f"{world.public}/demande?metier=plumbing"))
    refused = {
        f"{world.base}/calls/{evening.closed}": 404,
        f"{world.base}/members?seen=by-a-member": 403,
        "/nulle-part": 404,
    }
    for address, role in zip(refused, (Role.MANAGER, Role.MEMBER, None), strict=True):
        jobs.put_nowait((role, address))
    total = jobs.qsize()
    wrong: list[str] = []

    async def look() -> None:
        screens: dict[Role | None, Any] = {}
        while not jobs.empty():
            role, address = jobs.get_nowait()
            if role not in screens:
                screens[role] = await open_screen(role, evening.artisan if role is Role.MEMBER else None)
                await screens[role].context.add_init_script(path=AXE)
            page = await screens[role].go(address)
            if screens[role].status != refused.get(address, 200):
                wrong.append(f"{address}: {screens[role].status}")
            wrong.extend(f"{address} 1280: {trouble}" for trouble in await page.evaluate(LOOK, ODD_WORDS))
            await page.set_viewport_size({"width": 1024, "height": 768})
            wrong.extend(f"{address} 1024: {trouble}" for trouble in await page.evaluate(FITS))
            await page.set_viewport_size({"width": 360, "height": 740})
            wrong.extend(f"{address} 360: {trouble}" for trouble in await page.evaluate(LOOK, ODD_WORDS))
            wrong.extend(f"{address} axe: {trouble}" for trouble in await axe(page))
            await page.set_viewport_size({"width": 1280, "height": 860})

    async with asyncio.TaskGroup() as group:
        for _ in range(TABS):
            group.create_task(look())
    assert not wrong, "\n".join(sorted(set(wrong)))
    assert total > 45


def way_in(client_id: Any) -> str:
    """Where an application sends somebody of the office."""
    wanted = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": "https://partenaire.example/retour",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
    }
    return f"/oauth/authorize?{urlencode(wanted)}"


async def known_ids(world: Any, evening: Any) -> dict[str, Any]:
    """For each name of an id in an address: one that has something to show."""
    one = {
        "member_id": "select id from member order by name limit 1",
        "technician_id": "select t.id from technician t join member m on m.id = t.member_id order by m.name limit 1",
        "message_id": "select id from message where purpose = 'offer' order by id limit 1",
        "customer_id": "select c.id from customer c join subscription on customer_id = c.id order by c.number limit 1",
        "sector_id": "select id from sector order by code limit 1",
        "plan_id": "select id from plan order by code limit 1",
        "subscription_id": "select id from subscription order by number limit 1",
        "tariff_id": "select id from tariff order by trade desc limit 1",
        "duty_id": "select id from duty where live order by starts_at desc limit 1",
        "rota_id": "select id from rota order by semester desc limit 1",
        "invoice_id": "select id from invoice limit 1",
    }
    ids = {name: await world.value(query) for name, query in one.items()}
    customer = {"id": ids["customer_id"]}
    ids["site_id"] = await world.value("select id from site where customer_id = :id limit 1", **customer)
    ids["own_duty_id"] = await world.value(
        "select id from duty where technician_id = :id and live and superseded_at is null and ends_at > :now"
        " order by starts_at limit 1",
        id=evening.artisan.technician_id,
        now=world.clock.now(),
    )
    office = await world.hand(Role.MANAGER)
    away = {"technician": str(ids["technician_id"]), "starts_at": "2027-08-01T00:00", "ends_at": "2027-08-15T00:00"}
    await office.post(f"{world.base}/rota/absences", away)
    ids["absence_id"] = await world.value("select id from absence order by created_at desc limit 1")
    ids["post"] = await world.value("select id from on_call_post order by id limit 1")
    ids["link"] = await world.link()
    ids["provider_id"] = await world.provider(world.cooperative.id)
    ids["federation_provider_id"] = await world.provider(None)
    ids["client_id"] = await world.api_client()
    ids["endpoint_id"] = await world.webhook()
    ids["run_id"] = await world.value(SOLVED)
    # somebody of a customer follows the case whose quote waits
    world.landlord = ids["customer_id"]
    await world.value(
        "update intervention set customer_id = :id, site_id = :site where id = :case returning id",
        **customer,
        site=ids["site_id"],
        case=evening.signing,
    )
    ids["quote_id"] = await world.value("select id from quote where intervention_id = :id", id=evening.signing)
    await office.post(
        f"{world.base}/settings/api-clients/{ids['client_id']}/customers", {"customer": str(customer["id"])}
    )
    ids["phone_id"] = await world.value("select id from customer_phone where customer_id = :id limit 1", **customer)
    return ids


def addresses(path: str, world: Any, evening: Any, ids: dict[str, Any]) -> list[str]:
    """The same page with what makes it different: each state of a case, each sort of call."""
    several = {
        "call_id": (evening.answered_call, evening.missed_call),
        "case_id": (evening.closed, evening.signing, evening.held, evening.running),
        "token": (ids["link"] if path.startswith("/signin") else evening.tracking.rsplit("/", 1)[-1],),
        "slug": (world.cooperative.slug,),
        "duty_id": (ids["own_duty_id" if "/field/" in path else "duty_id"],),
        "provider_id": (ids["federation_provider_id" if path.startswith("/federation") else "provider_id"],),
    }
    if "/partner/" in path:
        several["case_id"] = (evening.signing,)
    if path == "/c/{slug:str}/cases/{case_id:uuid}":
        several["case_id"] += (evening.redirected, evening.offered)
    found = [path]
    for name in re.findall(r"\{(\w+)(?::\w+)?\}", path):
        values = several.get(name) or (ids[name],)
        found = [re.sub(rf"\{{{name}(:\w+)?\}}", str(value), each) for each in found for value in values]
    if path == "/oauth/authorize":
        found = [way_in(ids["client_id"])]
    if path.endswith("/fill"):
        found = [f"{each}?post={ids['post']}" for each in found]
    return found


async def axe(page: Page) -> list[str]:
    """Serious and critical violations of WCAG 2.1 A and AA."""
    result = await page.evaluate(
        """() => axe.run(document, {
            runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'], resultTypes: ['violations'], preload: false,
        })"""
    )
    return [
        f"{each['id']} ({each['impact']}): {node['html'][:140]} {node['failureSummary'][:160]}"
        for each in result["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"][:3]
    ]


async def test_what_is_wrong_is_seen(open_screen: Any) -> None:
    """The looks above find what they look for."""
    screen = await open_screen()
    await screen.context.add_init_script(path=AXE)
    await screen.page.goto("about:blank")  # no policy of ours there
    await screen.page.set_content(
        """<title>Seul</title><body style="background:#fff"><h1>Un</h1><h1>Deux</h1><p id=a>L'état : en_route</p>
        <p id=a style="color:#ccc">pâle</p><input name=x><div style="width:3000px">large</div>"""
    )
    seen = "\n".join(await screen.page.evaluate(LOOK, ODD_WORDS) + await axe(screen.page))
    for trouble in ("2 h1", "lang", "title: Seul", "id twice: a", "no label", "L'état", "en_route", "px wide",
                    "color-contrast (serious)", "label (critical)", "html-has-lang"):  # fmt: skip
        assert trouble in seen, trouble


KEYBOARD = ("desk", "field", "case", "form")


@pytest.mark.parametrize("which", KEYBOARD)
async def test_everything_is_reached_with_the_keyboard(world: Any, evening: Any, open_screen: Any, which: str) -> None:
    """The skip link comes first and works; then every control, in order, with a focus that is seen."""
    role, path = {
        "desk": (Role.MANAGER, f"{world.base}/desk"),
        "case": (Role.MANAGER, f"{world.base}/cases/{evening.signing}"),
        "field": (Role.MEMBER, f"{world.base}/field/cases/{evening.signing}"),
        "form": (None, f"{world.public}/demande?metier=plumbing"),
    }[which]
    screen = await open_screen(role, evening.artisan if role is Role.MEMBER else None)
    page = await screen.go(path)
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Aller au contenu")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()
    wanted = await page.evaluate(REACHABLE)
    assert wanted > 3
    reached, unseen = set(), []
    for _ in range(wanted + 5):
        await page.keyboard.press("Tab")
        place = await page.evaluate(FOCUS)
        if place is None:
            break
        reached.add(place["at"])
        if not place["seen"]:
            unseen.append(place["html"])
    assert not unseen, "\n".join(unseen)
    assert len(reached) >= wanted, f"{len(reached)} of {wanted}"
