"""What follows a call: the artisan with the phone in hand, the office at its desk, through the pages they use."""

import re
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import httpx
import sqlalchemy as sa

from maillage_app.demo.browser import Person, Refused
from maillage_app.demo.casting import Cast
from maillage_app.demo.founding import Colleague
from maillage_app.demo.night import TALK_SECONDS, Played
from maillage_app.demo.script import Work
from maillage_app.demo.timeline import Timeline
from maillage_app.demo.visit import Visit
from maillage_app.runtime import Runtime
from maillage_kit.http_client import http_client
from maillage_platform import identity

MINUTE = 60.0
OFFICE_OPENS = timedelta(minutes=25)
"""After a call that only the manager or the fallback number took: the time to find somebody by telephone."""


@dataclass
class Fieldwork:
    """Everybody who works that night. `troubles` are what pages refused outside any one call."""

    runtime: Runtime
    timeline: Timeline
    casts: Mapping[str, Cast]
    base_url: str
    stack: AsyncExitStack
    troubles: list[str] = field(default_factory=list)
    _people: dict[str, Person] = field(default_factory=dict)
    _free_at: dict[str, datetime] = field(default_factory=dict)

    def begin(self, played: Played) -> None:
        """Somebody took the call: the work starts beside the other calls."""
        self.timeline.join(self._guarded(played))

    async def _guarded(self, played: Played) -> None:
        try:
            await self._after_the_call(played)
        except (Refused, httpx.HTTPError) as wrong:
            played.trouble = f"{type(wrong).__name__} : {wrong}"

    async def _after_the_call(self, played: Played) -> None:
        cast = self.casts[played.script.coop]
        await self.timeline.sleep(TALK_SECONDS + 30)
        visit = await self._visit(played, cast)
        colleague = cast.colleague_of(played.taken_by)
        if colleague is None:
            colleague = await self._office_finds_somebody(visit, cast)
        else:
            await visit.opens(await self.person(colleague.email, colleague.name))
            await visit.asks_who_and_where()
            await visit.qualifies()
        if played.script.work is not Work.REDIRECTED:
            await self._goes(visit, colleague)

    async def _goes(self, visit: Visit, colleague: Colleague) -> None:
        """The artisan goes there once free, and works until the case is closed."""
        lasts = visit.minutes_away()
        start = max(self.timeline.now(), self._free_at.get(colleague.email, self.timeline.now()))
        self._free_at[colleague.email] = start + timedelta(minutes=lasts)
        await self.timeline.until(start)
        if not visit.is_open_for(colleague.name):
            await visit.opens(await self.person(colleague.email, colleague.name))
        await visit.is_done()

    async def _office_finds_somebody(self, visit: Visit, cast: Cast) -> Colleague:
        """The manager took the call: qualifies at the desk, then gives the case to somebody who said yes by voice."""
        office = await self.person(cast.founded.plan.manager_email, cast.founded.plan.new.manager_name)
        await visit.at_the_desk(office)
        await self.timeline.sleep(OFFICE_OPENS.total_seconds())
        return await visit.is_given_to_somebody(cast.colleagues)

    async def calls_back(self, slug: str, at: datetime, played: Sequence[Played]) -> None:
        """In the morning the office calls back those who were not reached, and says what came of it."""
        await self.timeline.until(at)
        try:
            await self._calls_everybody_back(slug, played)
        except (Refused, httpx.HTTPError) as wrong:
            self.troubles.append(f"{type(wrong).__name__} : {wrong}")

    async def _calls_everybody_back(self, slug: str, played: Sequence[Played]) -> None:
        cast = self.casts[slug]
        office = await self.person(cast.founded.plan.new.email, f"Permanence {cast.founded.plan.new.name}")
        base = f"/c/{slug}"
        await office.open(f"{base}/calls?show=callbacks")
        for call_id in dict.fromkeys(re.findall(rf"{base}/calls/([0-9a-f-]{{36}})", office.page)):
            await self._calls_one_back(office, base, call_id, cast, played)
            await self.timeline.sleep(4 * MINUTE)

    async def _calls_one_back(
        self, office: Person, base: str, call_id: str, cast: Cast, played: Sequence[Played]
    ) -> None:
        sid = await self._value(cast, "select provider_call_id from call where id = :id", id=call_id)
        each = next(each for each in played if each.sid == sid)
        try:
            await office.open(f"{base}/calls/{call_id}")
            visit = await self._visit(each, cast)
            if each.script.expect == "missed":
                await office.press(f"{base}/calls/{call_id}/callback", {"outcome": "reached_case_opened", "note": ""})
                await visit.at_the_desk(office)
                colleague = await visit.is_given_to_somebody(cast.colleagues)
                self.timeline.join(self._guarded_work(each, visit, colleague))
                return
            again = any(other.script.same_as == each.script.id for other in played)
            outcome = "duplicate" if again else "reached_no_need"
            await office.press(
                f"{base}/calls/{call_id}/callback", {"outcome": outcome, "note": "Rappelé à l’ouverture"}
            )
            await office.open(visit.desk_page)
            await office.press(f"{visit.acts}/cancel", {"reason": "Le client n’a plus besoin de nous"})
        except (Refused, httpx.HTTPError) as wrong:
            each.trouble = f"{type(wrong).__name__} : {wrong}"

    async def _guarded_work(self, played: Played, visit: Visit, colleague: Colleague) -> None:
        try:
            await self._goes(visit, colleague)
        except (Refused, httpx.HTTPError) as wrong:
            played.trouble = f"{type(wrong).__name__} : {wrong}"

    # ---------------------------------------------------------------------------------------------------- looking up

    async def _visit(self, played: Played, cast: Cast) -> Visit:
        case_id = await self._value(
            cast, "select intervention_id from call where provider_call_id = :sid", sid=played.sid
        )
        if not isinstance(case_id, UUID):
            raise Refused(f"{played.script.id} : l’appel n’a pas de dossier")
        plugin = self.runtime.trades.get(played.script.trade)
        return Visit(self.timeline, played, plugin, f"/c/{cast.founded.plan.slug}", str(case_id))

    async def _value(self, cast: Cast, query: str, **values: str) -> object:
        async with self.runtime.database.tenant(cast.founded.context.tenant) as session:
            return await session.scalar(sa.text(query), values)

    async def person(self, email: str, name: str) -> Person:
        """That person at a new page of the browser, signed in with a one-time link on first use."""
        if email not in self._people:
            client = await self.stack.enter_async_context(http_client(base_url=self.base_url, timeout=30))
            person = Person(client, name)
            await person.sign_in(await sign_in_link(self.runtime, email, name))
            self._people[email] = person
        return self._people[email].tab()


async def sign_in_link(runtime: Runtime, email: str, name: str) -> str:
    """A fresh one-time link for an account that exists."""
    async with runtime.database.platform() as session:
        account = await identity.add_account(session, email=email, display_name=name)
        token = await identity.make_link(session, account=account)
    return f"{runtime.settings.web.public_url}/signin/{token}"
