"""From the ring to the ladder: what the caller is told and asked, and what their answers mean."""

import re
from collections.abc import Sequence

from maillage_hooks import safety
from maillage_kit import clock
from maillage_kit.clock import paris
from maillage_kit.db import TenantSession
from maillage_kit.ids import new_id
from maillage_kit.semester import Semester
from maillage_tenants import customers, subscriptions
from maillage_tenants.calls import case, queries, rules, watched, words
from maillage_tenants.calls.models import CallOutcome, CallState
from maillage_tenants.calls.plan import Ask, Gather, GoOn, Hangup, MenuTurn, NobodyElse, Plan, Say
from maillage_tenants.calls.queries import CallRow, Place
from maillage_tenants.calls.record import OpenCall, Station, new_row
from maillage_tenants.calls.service import ending, ladder
from maillage_tenants.calls.signals import InboundCall, KeysTyped
from maillage_tenants.customers import KnownCaller

_POSTCODE = re.compile(r"\d{5}")
_CHOICE_SECONDS = 6
_POSTCODE_SECONDS = 8
_DANGER_SECONDS = 2
OBJECTION_KEY = "*"


async def arrive(session: TenantSession, *, signal: InboundCall, station: Station) -> tuple[CallRow, Plan]:
    """Somebody rings: recognise the number, then say the dangers and the choices. Nothing is written here.

    A number with one site gives the place; with several sites, or none, the place is asked after the trade.
    """
    row = new_row(call_id=new_id(), notice=signal.notice, called=signal.called, caller=signal.caller, at=clock.now())
    call = OpenCall(row)
    if signal.caller is not None and signal.caller == station.telephony.watch.number:
        call.set(watch_id=await watched.expected(session, caller=signal.caller, at=row.started_at))
    if signal.caller is not None:
        known = await customers.identify_caller(session, phone=signal.caller)
        if len({found.customer_id for found in known}) == 1:
            call.set(customer_id=known[0].customer_id, customer_name=known[0].customer_name)
        if len(known) == 1 and known[0].site_id is not None:
            _settle(call, known[0])
    call.set(may_record=station.cooperative.records_calls and call.row.watch_id is None)
    nobody_else = (NobodyElse(),) if call.row.watch_id is not None else ()
    return call.row, (*nobody_else, *start(station, attempt=1, recorded=call.row.may_record))


def start(station: Station, *, attempt: int, recorded: bool = False, greeted: bool = False) -> Plan:
    """The first words: gas and fire before anything else (R86, R104), then the trades when there is a choice.

    `recorded`: that the conversation may be kept, and how to object, is said before anybody is put through (R70).
    """
    trades = station.trades
    danger = words.danger_choice(words.danger_digit(trades))
    if len(trades) > 1:
        said: tuple[str, ...] = (words.trade_choices(trades), danger)
        seconds = _CHOICE_SECONDS
    else:
        said, seconds = (danger,), _DANGER_SECONDS
    opening: tuple[str, ...] = (words.SAFETY_FIRST, words.greeting(station.cooperative.name))
    if recorded:
        opening = (*opening, words.RECORDING_NOTICE)
    again = () if greeted else (words.CHOICE_AGAIN,)
    before = opening if attempt == 1 and not greeted else again
    return _asked((*before, *said), digits=1, seconds=seconds, ask=Ask.START, attempt=attempt)


async def begin(session: TenantSession, *, call: OpenCall, signal: KeysTyped, station: Station) -> Plan:
    """The first words to somebody whose line is answered before it is known what to say."""
    if call.state is not CallState.MENU:
        return await ladder.where_it_stands(session, call=call, station=station)
    if signal.gone:
        await ending.caller_left(session, call=call, at=signal.at)
        return (Hangup(),)
    return start(station, attempt=1, recorded=call.row.may_record)


async def answer_menu(
    session: TenantSession, *, call: OpenCall, ask: Ask, attempt: int, signal: KeysTyped, station: Station
) -> Plan:
    """The caller typed something, or nothing. Two tries for each question, then a human decides (rule 1)."""
    if call.state is not CallState.MENU:
        return await ladder.where_it_stands(session, call=call, station=station)
    if signal.gone:
        await ending.caller_left(session, call=call, at=signal.at)
        return (Hangup(),)
    if OBJECTION_KEY in signal.digits and station.cooperative.records_calls:
        return await _not_recorded(session, call=call, ask=ask, attempt=attempt, station=station)
    match ask:
        case Ask.START:
            return await _started(session, call=call, attempt=attempt, digits=signal.digits, station=station)
        case Ask.SITE:
            return await _site_chosen(session, call=call, attempt=attempt, digits=signal.digits, station=station)
        case Ask.POSTCODE:
            return await _postcode_typed(session, call=call, attempt=attempt, digits=signal.digits, station=station)
        case Ask.COMMUNE:
            return await _commune_chosen(session, call=call, attempt=attempt, digits=signal.digits, station=station)


async def _not_recorded(session: TenantSession, *, call: OpenCall, ask: Ask, attempt: int, station: Station) -> Plan:
    """The caller objects: nothing is kept, and the same question is asked again; the service is the same (R70)."""
    call.set(may_record=False)
    return (
        Say(words.NOT_RECORDED),
        *await _same_question(session, call=call, ask=ask, attempt=attempt, station=station),
    )


async def _same_question(session: TenantSession, *, call: OpenCall, ask: Ask, attempt: int, station: Station) -> Plan:
    match ask:
        case Ask.START:
            return start(station, attempt=attempt, greeted=True)
        case Ask.SITE:
            return _ask_site(await _sites(session, call), attempt=attempt)
        case Ask.POSTCODE:
            return ask_postcode(attempt=attempt)
        case Ask.COMMUNE:
            return _ask_commune(await _places(session, call, call.row.postcode_typed or ""), attempt=attempt)


async def _started(session: TenantSession, *, call: OpenCall, attempt: int, digits: str, station: Station) -> Plan:
    trades = station.trades
    if digits == words.danger_digit(trades):
        return await redirect_to_emergency(session, call=call)
    chosen = next((plugin.trade.code for plugin in trades if str(plugin.trade.keypad_digit) == digits), None)
    if chosen is None and len(trades) == 1:
        chosen = next(iter(trades)).trade.code
    if chosen is None and len(trades) > 1 and attempt < rules.MENU_TRIES:
        return start(station, attempt=attempt + 1)
    if chosen is None:
        why = "Aucun métier choisi au clavier" if len(trades) else "Aucun métier n’est ouvert"
        return await ladder.begin(
            session, call=call, place=None, unrouted=f"{why} : le responsable décide.", station=station
        )
    call.set(trade=chosen)
    return await _locate(session, call=call, station=station)


async def redirect_to_emergency(session: TenantSession, *, call: OpenCall) -> Plan:
    """A danger: the words twice, the case redirected, nobody dispatched, no clock of a promise started (R86, R87)."""
    now = clock.now()
    if call.row.watch_id is None:
        case_id = await case.open_for_call(session, call=call.row, sector_id=None, at=now)
        await case.redirect(session, case_id=case_id, to=safety.GAS_SMELL, at=now)
        call.set(intervention_id=case_id)
    call.set(
        routing_note="Danger annoncé au clavier : consignes lues, appelant dirigé vers les secours, aucun envoi.",
    )
    await ending.finish(session, call=call, outcome=CallOutcome.REDIRECTED)
    told = Say(words.DANGER_READ_OUT), Say(words.DANGER_OTHER)
    return (*told, *told, Say(words.DANGER_END), Hangup())


async def _locate(session: TenantSession, *, call: OpenCall, station: Station) -> Plan:
    """The trade is known: where is it?"""
    if call.row.site_id is not None and call.row.insee is not None:
        return await _go_to(session, call=call, insee=call.row.insee, station=station)
    sites = await _sites(session, call)
    if 2 <= len(sites) <= rules.KEYPAD_CHOICES:
        return _ask_site(sites, attempt=1)
    return ask_postcode(attempt=1)


async def _sites(session: TenantSession, call: OpenCall) -> Sequence[KnownCaller]:
    if call.row.caller is None:
        return ()
    known = await customers.identify_caller(session, phone=call.row.caller)
    return [found for found in known if found.site_id is not None and found.insee is not None]


def _ask_site(sites: Sequence[KnownCaller], *, attempt: int) -> Plan:
    said = (words.numbered([found.address or "" for found in sites]), words.OTHER_PLACE)
    before = () if attempt == 1 else (words.CHOICE_AGAIN,)
    return _asked((*before, *said), digits=1, seconds=_CHOICE_SECONDS, ask=Ask.SITE, attempt=attempt)


async def _site_chosen(session: TenantSession, *, call: OpenCall, attempt: int, digits: str, station: Station) -> Plan:
    sites = await _sites(session, call)
    if digits == "0" or not sites:
        return ask_postcode(attempt=1)
    if digits.isdecimal() and 1 <= int(digits) <= len(sites):
        chosen = sites[int(digits) - 1]
        _settle(call, chosen)
        return await _go_to(session, call=call, insee=chosen.insee or "", station=station)
    if attempt < rules.MENU_TRIES:
        return _ask_site(sites, attempt=attempt + 1)
    return await ladder.begin(
        session, call=call, place=None, unrouted="Lieu non choisi au clavier : le responsable décide.", station=station
    )


def ask_postcode(*, attempt: int) -> Plan:
    before = () if attempt == 1 else (words.POSTCODE_AGAIN,)
    return _asked((*before, words.ASK_POSTCODE), digits=5, seconds=_POSTCODE_SECONDS, ask=Ask.POSTCODE, attempt=attempt)


async def _postcode_typed(
    session: TenantSession, *, call: OpenCall, attempt: int, digits: str, station: Station
) -> Plan:
    places = await _places(session, call, digits) if _POSTCODE.fullmatch(digits) else ()
    if not places:
        if attempt < rules.MENU_TRIES:
            return ask_postcode(attempt=attempt + 1)
        why = f"Code postal « {digits} » inconnu ici" if digits else "Code postal non tapé"
        call.set(postcode_typed=digits or None)
        return await ladder.begin(
            session, call=call, place=None, unrouted=f"{why} : le responsable décide.", station=station
        )
    call.set(postcode_typed=digits)
    if len({place.sector_id for place in places}) == 1:
        return await _arrived(session, call=call, places=places, station=station)
    return _ask_commune(places, attempt=1)


def _ask_commune(places: Sequence[Place], *, attempt: int) -> Plan:
    before = () if attempt == 1 else (words.CHOICE_AGAIN,)
    offered = rules.offered(places)
    said: tuple[str, ...] = (words.numbered([place.commune for place in offered]),)
    if len(offered) < len(places):
        said = (*said, words.OTHER_COMMUNE)
    return _asked((*before, *said), digits=1, seconds=_CHOICE_SECONDS, ask=Ask.COMMUNE, attempt=attempt)


async def _commune_chosen(
    session: TenantSession, *, call: OpenCall, attempt: int, digits: str, station: Station
) -> Plan:
    places = await _places(session, call, call.row.postcode_typed or "")
    offered = rules.offered(places)
    if digits.isdecimal() and 1 <= int(digits) <= len(offered):
        return await _arrived(session, call=call, places=[offered[int(digits) - 1]], station=station)
    if digits == rules.OTHER_COMMUNE_KEY and len(offered) < len(places):
        return await ladder.begin(
            session,
            call=call,
            place=None,
            unrouted=f"Autre commune du code postal {call.row.postcode_typed}, qui en a {len(places)} dans plusieurs "
            "secteurs : le responsable décide.",
            station=station,
        )
    if places and attempt < rules.MENU_TRIES:
        return _ask_commune(places, attempt=attempt + 1)
    return await ladder.begin(
        session,
        call=call,
        place=None,
        unrouted=f"Commune non choisie pour le code postal {call.row.postcode_typed} : le responsable décide.",
        station=station,
    )


async def _places(session: TenantSession, call: OpenCall, postcode: str) -> Sequence[Place]:
    return await queries.places_of_postcode(
        session, postcode=postcode, trade=call.row.trade or "", semester=Semester.containing(clock.now()).code
    )


async def _arrived(session: TenantSession, *, call: OpenCall, places: Sequence[Place], station: Station) -> Plan:
    """One sector at last; one commune too when the postcode has only one."""
    place = places[0]
    if len(places) == 1:
        call.set(insee=place.insee, commune=place.commune)
    return await ladder.begin(session, call=call, place=place, unrouted="", station=station)


async def _go_to(session: TenantSession, *, call: OpenCall, insee: str, station: Station) -> Plan:
    """A known site: its commune gives the sector, its contract the promise."""
    now = clock.now()
    trade = call.row.trade or ""
    place = await queries.place_of(session, insee=insee, trade=trade, semester=Semester.containing(now).code)
    if call.row.site_id is not None:
        promise = await subscriptions.active_promise(
            session, site_id=call.row.site_id, trade=trade, on=paris(now).date()
        )
        call.set(subscription_id=promise.subscription_id if promise else None)
    call.set(commune=place.commune if place else None)
    return await ladder.begin(session, call=call, place=place, unrouted="", station=station)


def _settle(call: OpenCall, site: KnownCaller) -> None:
    call.set(
        customer_id=site.customer_id,
        customer_name=site.customer_name,
        referring_member_id=site.referring_member_id,
        site_id=site.site_id,
        insee=site.insee,
        address=site.address,
        premises_use=site.premises_use,
        over_two_years=site.over_two_years,
    )


def _asked(said: tuple[str, ...], *, digits: int, seconds: int, ask: Ask, attempt: int) -> Plan:
    then = MenuTurn(ask, attempt)
    return (Gather(said, digits, seconds, then), GoOn(then))
