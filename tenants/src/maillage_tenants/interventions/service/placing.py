"""Who asks and where: what an unknown or masked caller tells, without which no quote can be written (R4)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.phone import parse_phone
from maillage_tenants import territory
from maillage_tenants.interventions import queries, rules
from maillage_tenants.interventions.errors import StepNotAllowed
from maillage_tenants.interventions.models import Intervention, State
from maillage_tenants.interventions.service.story import add_event, changed


@dataclass(frozen=True, slots=True)
class CallerFacts:
    """What the caller says, as typed. `commune` is a name, or a postcode with a name."""

    name: str
    address: str
    commune: str
    phone: str = ""


async def write_caller(session: TenantSession, *, case_id: UUID, facts: CallerFacts, at: datetime, by: str) -> None:
    """Write who asks and where on a case whose customer is not known. The commune decides the sector (R97).

    What was promised and announced before stays as it was. Raises Invalid by field (a name of several communes lists
    them), StepNotAllowed once the case is over or when its customer is on file: that is corrected on the customer.
    """
    row = await queries.locked_case(session, case_id=case_id)
    if State(row.state) in rules.FINAL_STATES or row.site_id is not None:
        raise StepNotAllowed
    errors = {
        name: message
        for name, value, message in (
            ("name", facts.name, "Indiquez le nom."),
            ("address", facts.address, "Indiquez l’adresse."),
            ("commune", facts.commune, "Indiquez la commune."),
        )
        if not value.strip()
    }
    phone = row.caller_phone
    if facts.phone.strip():
        try:
            phone = parse_phone(facts.phone)
        except Invalid as wrong:
            errors |= wrong.fields
    if errors:
        raise Invalid(fields=errors)
    commune = await _commune(session, facts.commune)
    row.caller_name = " ".join(facts.name.split())[:120]
    row.address = facts.address.strip()[:200]
    row.caller_phone = phone
    await _move_to(session, row, commune, at=at)
    await add_event(
        session,
        case_id=case_id,
        kind="caller",
        text=f"Client et lieu précisés : {row.caller_name}, {row.address}, {commune.name}",
        actor=by,
        at=at,
    )
    await changed(session, row)


async def _commune(session: TenantSession, text: str) -> territory.CommuneRow:
    found = await territory.search_commune(session, text=text, limit=5)
    wanted = territory.search_key(text)
    exact = [commune for commune in found if territory.search_key(commune.name) == wanted]
    if len(exact) == 1 or len(found) == 1:
        return (exact or list(found))[0]
    if not found:
        raise Invalid(fields={"commune": f"« {text.strip()} » n’est pas une commune de la coopérative."})
    names = ", ".join(commune.name for commune in found)
    raise Invalid(fields={"commune": f"Plusieurs communes répondent, précisez : {names}."})


async def _move_to(session: TenantSession, row: Intervention, commune: territory.CommuneRow, *, at: datetime) -> None:
    if row.insee == commune.insee:
        return
    row.insee = commune.insee
    sector = await territory.sector_of(session, insee=commune.insee, trade=row.trade, at=at) if row.trade else None
    row.sector_id = sector.id if sector else None
