"""Acts on the directory. Making the schema itself is `maillage_platform.provisioning`."""

import re
from dataclasses import dataclass

import sqlalchemy as sa

from maillage_kit import clock
from maillage_kit.context import CooperativeContext
from maillage_kit.db import PlatformSession
from maillage_kit.errors import Conflict, Invalid
from maillage_kit.phone import parse_phone, require_unsurcharged
from maillage_kit.registers import parse_siren
from maillage_platform.cooperatives import queries
from maillage_platform.cooperatives.models import Cooperative, CooperativeChange, CooperativeNumber, CooperativeState

_SLUG = re.compile(r"[a-z][a-z0-9-]{1,30}")
_DEPARTMENT = re.compile(r"\d{2,3}|2[AB]")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCooperative:
    """What is needed to open a cooperative. Phone numbers as people type them."""

    slug: str
    name: str
    legal_name: str
    legal_form: str = "SCA à capital variable"
    siren: str
    department: str
    address: str
    email: str
    public_number: str
    manager_name: str
    manager_phone: str
    fallback_phone: str
    mediator_name: str
    mediator_contact: str
    trades: tuple[str, ...]


async def register_cooperative(
    session: PlatformSession, *, new: NewCooperative, role_prefix: str, actor: str
) -> Cooperative:
    """Write a cooperative in the directory, in state provisioning.

    Raises Invalid (SIREN, public number of R22, mediator of R21, human fallback of rule 1) and Conflict when the slug,
    SIREN or public number is taken.
    """
    checked = _check(new)
    taken = await session.scalar(
        sa.select(Cooperative.slug).where(
            sa.or_(
                Cooperative.slug == checked.slug,
                Cooperative.siren == checked.siren,
                Cooperative.public_number == checked.public_number,
            )
        )
    )
    held = await session.scalar(
        sa.select(Cooperative.slug)
        .join(CooperativeNumber, CooperativeNumber.cooperative_id == Cooperative.id)
        .where(CooperativeNumber.number == checked.public_number)
    )
    taken = taken or held
    if taken:
        raise Conflict(f"La coopérative « {taken} » a déjà ce nom court, ce SIREN ou ce numéro.")
    number: int = await session.scalar(
        sa.text("select nextval(pg_get_serial_sequence('platform.cooperative', 'number'))")
    )
    row = Cooperative(
        number=number,
        schema_name=f"t{number:04d}",
        role_name=f"{role_prefix}_t{number:04d}",
        **{name: getattr(checked, name) for name in checked.__dataclass_fields__ if name != "trades"},
        trades=list(checked.trades),
    )
    session.add(row)
    await session.flush()
    _record(session, row, actor, "créée")
    return row


async def activate(session: PlatformSession, cooperative: Cooperative, *, revision: str, actor: str) -> None:
    """Open a cooperative once its schema is ready, at `revision`."""
    cooperative.state = CooperativeState.ACTIVE
    cooperative.schema_revision = revision
    _record(session, cooperative, actor, "ouverte")


async def change_trades(
    session: PlatformSession, *, slug: str, enable: str | None = None, disable: str | None = None, actor: str
) -> CooperativeContext:
    """Switch one trade on or off for one cooperative. Raises Invalid when the cooperative is unknown."""
    row = await queries.by_slug(session, slug)
    if row is None:
        raise Invalid(f"Aucune coopérative « {slug} ».")
    trades = [code for code in row.trades if code != disable]
    if enable and enable not in trades:
        trades.append(enable)
    if trades != row.trades:
        row.trades = trades
        _record(session, row, actor, f"métiers : {', '.join(trades) or 'aucun'}")
    await session.flush()
    return row.context()


async def record_revision(session: PlatformSession, *, slug: str, revision: str) -> None:
    """Remember which migration a cooperative's schema is at."""
    row = await queries.by_slug(session, slug)
    if row is not None:
        row.schema_revision = revision


def _record(session: PlatformSession, row: Cooperative, actor: str, change: str) -> None:
    session.add(CooperativeChange(cooperative_id=row.id, at=clock.now(), actor=actor, change=change))


def _check(new: NewCooperative) -> NewCooperative:
    fields: dict[str, str] = {}
    if not _SLUG.fullmatch(new.slug):
        fields["slug"] = "Nom court : lettres minuscules, chiffres et tirets."
    try:
        siren = parse_siren(new.siren)
    except Invalid as wrong:
        siren, fields = new.siren, fields | wrong.fields
    if not _DEPARTMENT.fullmatch(new.department):
        fields["department"] = "Code de département inconnu."
    for name in ("name", "legal_name", "manager_name", "mediator_name", "mediator_contact"):
        if not getattr(new, name).strip():
            fields[name] = "Obligatoire."
    if fields:
        raise Invalid(fields=fields)
    return NewCooperative(
        slug=new.slug,
        name=new.name,
        legal_name=new.legal_name,
        legal_form=new.legal_form,
        siren=siren,
        department=new.department,
        address=new.address,
        email=new.email,
        public_number=require_unsurcharged(parse_phone(new.public_number, field="public_number")),
        manager_name=new.manager_name,
        manager_phone=parse_phone(new.manager_phone, field="manager_phone"),
        fallback_phone=parse_phone(new.fallback_phone, field="fallback_phone"),
        mediator_name=new.mediator_name,
        mediator_contact=new.mediator_contact,
        trades=new.trades,
    )
