"""The customers of a demo cooperative and their contracts: invented, then entered as a file is imported."""

from collections.abc import Iterator
from datetime import date, timedelta
from uuid import UUID

import sqlalchemy as sa

from maillage_app.demo.fiction import LANDLORDS, SHOPS, Inventor, fictional_siren, numbers_of
from maillage_app.demo.plans import CooperativePlan
from maillage_kit.crypto import FieldCipher
from maillage_kit.db import TenantSession
from maillage_tenants import customers, subscriptions
from maillage_tenants.customers import ConsumerStatus, CustomerFacts, CustomerKind, PremisesUse, SiteFacts
from maillage_tenants.members.models import Member
from maillage_tenants.subscriptions.models import ContractChannel, Plan

STARTS_ON = date(2027, 1, 1)
BY = "import de la démonstration"
_SHOP_SHARE = 0.06
_SECOND_HOME_SHARE = 0.04
_SUBSCRIBED_SHARE = 0.93
_ESSENTIAL_SHARE = 0.7
_SITES_PER_LANDLORD = 12


async def enter_customers(
    session: TenantSession,
    *,
    plan: CooperativePlan,
    inventor: Inventor,
    count: int,
    cipher: FieldCipher,
    signed_on: date,
) -> int:
    """Enter `count` customers with their sites, numbers and contracts. Returns how many contracts were written."""
    members = list(await session.scalars(sa.select(Member.id).order_by(Member.siret)))
    clientele = _Clientele(plan, inventor, members)
    entries = [clientele.landlord(name) for name in LANDLORDS[: max(1, count // 500)]]
    entries += [clientele.anybody() for _ in range(count - len(entries))]
    refs = await customers.import_customers(session, entries=entries, cipher=cipher, by=BY)
    rows = await session.execute(sa.select(Plan.code, Plan.id))
    plans: dict[str, UUID] = dict(rows.all())
    contracts = []
    for entry, ref in zip(entries, refs, strict=True):
        code = clientele.plan_of(entry)
        if code is not None:
            contracts.append(
                subscriptions.NewContract(
                    customer_id=ref.id,
                    plan_id=plans[code],
                    site_ids=ref.site_ids,
                    channel=inventor.random.choice((ContractChannel.IN_PREMISES, ContractChannel.DISTANCE_WEB)),
                    signed_on=signed_on - timedelta(days=inventor.random.randrange(5)),
                    starts_on=STARTS_ON,
                )
            )
    written = await subscriptions.import_subscriptions(session, contracts=contracts, by=BY)
    return len(written)


class _Clientele:
    """Invents customers one after the other."""

    def __init__(self, plan: CooperativePlan, inventor: Inventor, members: list[UUID]) -> None:
        self._inventor = inventor
        self._random = inventor.random
        self._members = members
        start, end = plan.customer_numbers
        self._numbers: Iterator[str] = numbers_of("026191", start=start, end=end)
        self._siren = plan.siren_base * 10 + 500
        self._towns: dict[str, str] = {}

    def anybody(self) -> customers.ImportedCustomer:
        return self._shop() if self._random.random() < _SHOP_SHARE else self._household()

    def landlord(self, name: str) -> customers.ImportedCustomer:
        """A social landlord with many dwellings: its tenants ring from their own numbers (R94)."""
        town = self._inventor.town()
        sites = tuple(
            self._site(
                PremisesUse.DWELLING,
                over_two_years=True,
                occupant=self._inventor.person().name,
                phone=next(self._numbers),
            )
            for _ in range(_SITES_PER_LANDLORD)
        )
        facts = CustomerFacts(
            kind=CustomerKind.ORGANISATION,
            consumer_status=ConsumerStatus.NON_PROFESSIONAL,
            name=name,
            contact_name=self._inventor.person().name,
            siren=self._next_siren(),
            email=f"astreinte.{self._siren}@bailleur.example",
            billing_address=self._inventor.street_address(),
            billing_postcode=self._inventor.postcode_of(town),
            billing_city=town.name,
        )
        return customers.ImportedCustomer(facts, sites, (next(self._numbers),))

    def plan_of(self, entry: customers.ImportedCustomer) -> str | None:
        """Landlords have their plan, most others one of the two for everybody, some no contract."""
        if len(entry.sites) > 2:
            return "bailleur"
        if self._random.random() > _SUBSCRIBED_SHARE:
            return None
        return "essentiel" if self._random.random() < _ESSENTIAL_SHARE else "serenite"

    def _household(self) -> customers.ImportedCustomer:
        person = self._inventor.person()
        home = self._site(PremisesUse.DWELLING, over_two_years=self._random.random() < 0.9, notes=self._notes())
        sites = [home]
        if self._random.random() < _SECOND_HOME_SHARE:
            sites.append(self._site(PremisesUse.DWELLING, over_two_years=True, label="Résidence secondaire"))
        return customers.ImportedCustomer(
            self._billed_at_home(
                home, person.name, CustomerKind.PERSON, ConsumerStatus.CONSUMER, f"{person.handle}@courriel.example"
            ),
            tuple(sites),
            (next(self._numbers),),
            self._referring_member(),
        )

    def _shop(self) -> customers.ImportedCustomer:
        name = f"{self._random.choice(SHOPS)} {self._inventor.family_name()}"
        shop = self._site(PremisesUse.BUSINESS, over_two_years=None)
        facts = self._billed_at_home(
            shop, name, CustomerKind.ORGANISATION, ConsumerStatus.SMALL_PROFESSIONAL, "", siren=self._next_siren()
        )
        return customers.ImportedCustomer(facts, (shop,), (next(self._numbers),), self._referring_member())

    def _billed_at_home(
        self,
        site: customers.ImportedSite,
        name: str,
        kind: CustomerKind,
        status: ConsumerStatus,
        email: str,
        siren: str = "",
    ) -> CustomerFacts:
        return CustomerFacts(
            kind=kind,
            consumer_status=status,
            name=name,
            billing_address=site.facts.address,
            billing_postcode=site.facts.postcode,
            billing_city=self._towns[site.facts.insee],
            email=email,
            siren=siren,
        )

    def _site(
        self,
        use: PremisesUse,
        *,
        over_two_years: bool | None,
        label: str = "",
        occupant: str = "",
        phone: str = "",
        notes: str = "",
    ) -> customers.ImportedSite:
        town = self._inventor.town()
        self._towns[town.insee] = town.name
        return customers.ImportedSite(
            SiteFacts(
                address=self._inventor.street_address(),
                postcode=self._inventor.postcode_of(town),
                insee=town.insee,
                premises_use=use,
                label=label,
                over_two_years=over_two_years,
                occupant_name=occupant,
                occupant_phone=phone,
            ),
            notes,
        )

    def _notes(self) -> str:
        if self._random.random() > 0.15:
            return ""
        return f"Code portail {self._random.randint(1000, 9999)}, sonnette au nom du propriétaire"

    def _referring_member(self) -> UUID | None:
        """Most customers were brought by a member and stay with it (R60)."""
        return self._random.choice(self._members) if self._random.random() < 0.8 else None

    def _next_siren(self) -> str:
        self._siren += 1
        return fictional_siren(self._siren)
