"""One case, from the first words to the payment, pressed form by form on the pages that the application shows."""

import random
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from maillage_app.demo.browser import Person, Refused
from maillage_app.demo.fiction import Inventor
from maillage_app.demo.founding import Colleague
from maillage_app.demo.night import Played
from maillage_app.demo.script import Work
from maillage_app.demo.signature import drawing, drawn_signature
from maillage_app.demo.timeline import Timeline
from maillage_hooks import TradePlugin
from maillage_hooks.questions import asked, choices_of
from maillage_hooks.types import FieldKind, QuestionKind, ReportField
from maillage_kit.clock import paris
from maillage_tenants.interventions import DangerKind
from maillage_tenants.interventions.triage_form import PREFIX

_DANGER = "L’eau coule dans le tableau électrique : coupure et colmatage immédiats, accord oral du client."
_WORDS = {
    "leak_location": "Sous l’évier de la cuisine, raccord côté mur",
    "drain_point": "Siphon et premier coude",
    "boiler_model": "Chaudière murale, marque relevée sur place",
    "entry_point": "Porte d’entrée",
    "damage": "Gâche arrachée, dormant fendu",
    "securing_measures": "Panneau vissé, cylindre provisoire posé",
    "cause": "Usure constatée sur place",
    "work_done": "Réparation faite et essayée devant le client",
    "composition": "4/16/4",
}


class Visit:
    """One case, from the first words to the payment. `acts` is where its forms post."""

    def __init__(self, timeline: Timeline, played: Played, plugin: TradePlugin, base: str, case_id: str) -> None:
        self._timeline = timeline
        self._played = played
        self._plugin = plugin
        self._base = base
        self._person: Person | None = None
        self._who = played.caller.name
        self._random = random.Random(f"maillage:{played.script.id}")  # noqa: S311 - a story, not a secret
        self.acts = f"{base}/cases/{case_id}"
        self.desk_page = self.acts
        self._phone_page = f"{base}/field/cases/{case_id}"
        self._here = self._phone_page
        self._answers = answers_for(plugin, played.script.answers)
        assessed = plugin.triage.assess(self._answers)
        self._type = plugin.types_by_code[assessed.type_code]
        self._work = self._type.expected_minutes * self._random.uniform(0.6, 1.0)
        self._travel = self._random.uniform(14, 42)
        self._prepare = self._random.uniform(3, 9)

    @property
    def person(self) -> Person:
        assert self._person is not None
        return self._person

    def is_open_for(self, name: str) -> bool:
        """Whether that person has the case on the screen already."""
        return self._person is not None and self._person.name == name

    def minutes_away(self) -> float:
        """How long the artisan is taken by this case."""
        return self._prepare + self._travel + self._work + 40

    async def opens(self, person: Person) -> None:
        """The artisan finds the case in the list on the phone and opens it."""
        self._person, self._here = person, self._phone_page
        await person.open(f"{self._base}/field")
        if not person.finds(f"({re.escape(self._phone_page)})"):
            raise Refused(f"{person.name} : le dossier n’est pas dans la liste")
        await person.open(self._phone_page)

    async def at_the_desk(self, office: Person) -> None:
        """The office opens the case and qualifies it with the caller on the line."""
        self._person, self._here = office, self.desk_page
        await office.open(self.desk_page)
        if office.shows(f"{self.acts}/trade"):
            await office.press(f"{self.acts}/trade", {"trade": self._plugin.trade.code})
        await self.asks_who_and_where()
        await self.qualifies()

    async def asks_who_and_where(self) -> None:
        """An unknown caller says who and where: nothing can be quoted without."""
        if not self.person.shows(f"{self.acts}/caller"):
            return
        caller = self._played.caller
        inventor = Inventor(f"caller:{self._played.script.id}")
        self._who = inventor.person().name
        await self.person.press(
            f"{self.acts}/caller",
            {"name": self._who, "address": inventor.street_address(), "commune": caller.commune},
        )

    async def qualifies(self) -> None:
        """The questions of the trade, asked to the caller (R85)."""
        form = {"trade": self._plugin.trade.code}
        form |= {f"{PREFIX}{code}": answer for code, answer in self._answers.items()}
        await self.person.press(f"{self._here}/triage", form)

    async def is_given_to_somebody(self, colleagues: Mapping[UUID, Colleague]) -> Colleague:
        """The first technician that the desk's page proposes."""
        await self.person.open(self.desk_page)
        proposed = re.search(r'name="technician_id".*?</select>', self.person.page, re.DOTALL)
        found = re.search(r'value="([0-9a-f-]{36})"', proposed[0]) if proposed else None
        if not found:
            raise Refused("la permanence ne trouve personne à qui attribuer l’intervention")
        await self.person.press(f"{self.acts}/assign", {"technician_id": found[1]})
        return colleagues[UUID(found[1])]

    async def is_done(self) -> None:
        """Leave, arrive, quote, sign, make safe, finish, report, note, payment, close."""
        work = self._played.script.work
        await self._after(self._prepare)
        await self._act("advance", {"step": "depart"})
        await self._after(self._travel)
        await self._act("advance", {"step": "arrive"}, read=True)
        if work is Work.HOLD:
            await self._act("hold", {"reason": "occupant_absent", "note": "Sonné, téléphoné, personne"})
            await self._after(18)
            await self._act("resume", read=True)
        if work is Work.DANGER:
            await self.person.press(
                f"{self.acts}/danger",
                {"danger": DangerKind.ELECTRICITY, "danger_reason": _DANGER},
                photos={"danger_photos": drawing("tableau électrique")},
                read=False,
            )
            await self._after(5)
            await self._act("advance", {"step": "make_safe"}, read=True)
        await self._after(6)
        await self._quote_signed()
        await self._after(self._work / 2)
        if work is not Work.DANGER:
            await self._act("advance", {"step": "make_safe"})
        await self._after(self._work / 2)
        if work is Work.PARTIAL:
            await self._act("partial", {"reason": "Carte électronique à commander"})
        else:
            await self._act("advance", {"step": "finish"})
            await self._after(3)
            await self._act("report", report_for(self._plugin.report.fields(self._type.code), self._timeline.now()))
        await self._after(1)
        await self._act("note", read=True)
        await self._paid()
        await self._act("close")

    async def _quote_signed(self) -> None:
        await self._act("quote", {"premises_use": self._use(), "over_two_years": "yes", "certify": "yes"}, read=True)
        quote = self.person.finds(rf"{re.escape(self.acts)}/quotes/([0-9a-f-]{{36}})/send")
        if not quote:
            raise Refused(f"{self.person.name} : pas de devis à remettre")
        await self._act(f"quotes/{quote}/send")
        await self._after(3)
        await self._act(
            f"quotes/{quote}/sign",
            {"signed_by": self._who, "signature": drawn_signature(self._who), "vat_certified": "1"},
        )

    def _use(self) -> str:
        """What the quote's form proposes: the VAT depends on it (R30)."""
        use = self.person.finds(r'name="premises_use" value="(\w+)"[^>]* checked')
        if not use:
            raise Refused(f"{self.person.name} : la page {self.person.path} ne propose pas d’usage des lieux")
        return use

    async def _paid(self) -> None:
        """Most pay on the spot; some are sent their note."""
        amount = self.person.finds(r'name="amount"[^>]*value="([0-9,]+)"')
        if self._random.random() < 0.8:
            method = self._random.choice(("card", "card", "cheque"))
            await self._after(2)
            await self._act("payment", {"amount": amount, "method": method, "reference": ""})

    async def _act(self, name: str, form: Mapping[str, str] | None = None, *, read: bool = False) -> None:
        """Press one button of the case. The page is read again only where something on it is needed."""
        await self.person.press(f"{self.acts}/{name}", form, read=read)

    async def _after(self, minutes: float) -> None:
        """Go on so many minutes later, at a round hour of five minutes: then several people press at once."""
        await self._timeline.until(round_up(self._timeline.now() + timedelta(minutes=minutes)))


def round_up(instant: datetime) -> datetime:
    """The first round five minutes at or after that instant."""
    step = timedelta(minutes=5)
    return instant + (datetime.min.replace(tzinfo=UTC) - instant) % step


def answers_for(plugin: TradePlugin, told: Mapping[str, str]) -> dict[str, str]:
    """The answers to every question asked: those of the story, else the calmest (no, the first choice)."""
    answers = dict(told)
    while True:
        missing = [
            question
            for question in asked(plugin.triage.questions, answers)
            if question.required and question.code not in answers and question.kind is not QuestionKind.TEXT
        ]
        if not missing or plugin.triage.assess(answers).redirect is not None:
            return answers
        question = missing[0]
        calm = "no" if question.kind is QuestionKind.YES_NO else choices_of(question)[0].code
        answers[question.code] = calm


def report_for(fields: Sequence[ReportField], now: datetime) -> dict[str, str]:
    """A complete report: every required field of the trade (R84)."""
    return {f"r_{report.code}": _value_of(report, now) for report in fields if report.required}


def _value_of(report: ReportField, now: datetime) -> str:
    match report.kind:
        case FieldKind.BOOLEAN:
            return "yes"
        case FieldKind.CHOICE:
            return report.choices[0].code
        case FieldKind.DATE:
            return paris(now).date().isoformat()
        case FieldKind.NUMBER:
            return "80"
        case _:
            return _WORDS.get(report.code, "Constaté et traité sur place")
