"""The checks of `./maillage doctor`, each a finding with what to do."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import phonenumbers
import sqlalchemy as sa

from maillage_app import auditing
from maillage_app.runtime import Runtime
from maillage_kit import clock
from maillage_kit.clock import paris
from maillage_kit.context import CooperativeContext
from maillage_kit.migrations import Tree
from maillage_kit.permissions import ROLE_LABELS, SECOND_FACTOR_ROLES, Role
from maillage_kit.settings import Settings
from maillage_platform import heartbeat
from maillage_tenants import watch

OLDEST_POSTGRESQL = 150_000
FEWEST_LOCKS = 512


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    ok: bool
    detail: str


async def examine(runtime: Runtime) -> AsyncIterator[Finding]:
    """Everything the service depends on here, in order; the database failing ends the examination."""
    for finding in _time_rules():
        yield finding
    yield Finding("métiers", len(runtime.trades) > 0, ", ".join(runtime.trades.codes) or "aucun métier installé")
    last_resort = runtime.settings.telephony.last_resort_number
    yield Finding(
        "dernier recours général",
        bool(last_resort) or not runtime.settings.in_production,
        last_resort or "non réglé (MAILLAGE_TELEPHONY__LAST_RESORT_NUMBER)",
    )
    yield _second_factor(runtime.settings)
    try:
        async with runtime.database.platform() as session:
            version = int((await session.execute(sa.text("show server_version_num"))).scalar_one())
            locks = int((await session.execute(sa.text("show max_locks_per_transaction"))).scalar_one())
            revision = (await session.execute(sa.text("select version_num from platform.alembic_version"))).scalar()
    except Exception as exc:
        yield Finding("base de données", False, f"injoignable ou pas encore créée ({type(exc).__name__})")
        return
    yield Finding("base de données", version >= OLDEST_POSTGRESQL, f"PostgreSQL {version // 10_000}")
    yield Finding("verrous par transaction", locks >= FEWEST_LOCKS, f"{locks} (au moins {FEWEST_LOCKS})")
    head = Tree("platform").head
    yield Finding("révision de la plateforme", revision == head, f"{revision} (attendue {head})")
    yield await _audit(runtime)
    tenant_head = Tree("tenants").head
    for cooperative in await runtime.directory.all():
        found = runtime.directory.revision_of(cooperative)
        yield Finding(f"{cooperative.slug} : révision", found == tenant_head, f"{found} (attendue {tenant_head})")
        for finding in _human_fallback(cooperative):
            yield finding
        missing = [code for code in cooperative.trades if code not in runtime.trades]
        yield Finding(
            f"{cooperative.slug} : métiers",
            not missing and bool(cooperative.trades),
            f"non installé : {', '.join(missing)}" if missing else ", ".join(cooperative.trades) or "aucun",
        )
        if found == tenant_head:
            async for finding in _watch(runtime, cooperative):
                yield finding


def _second_factor(settings: Settings) -> Finding:
    """Managers and the federation work with a passkey, wherever people really work."""
    missing = [role for role in Role if role in SECOND_FACTOR_ROLES - settings.passkey_required_for]
    if not missing:
        return Finding("clé d’accès exigée", True, "de la gérance et de la fédération")
    named = ", ".join(ROLE_LABELS[role] for role in missing)
    return Finding(
        "clé d’accès exigée",
        not settings.in_production,
        f"pas de : {named} (MAILLAGE_SIGN_IN__PASSKEY_REQUIRED_FOR)",
    )


async def _audit(runtime: Runtime) -> Finding:
    """The auditor itself: looked lately, found everything on time."""
    async with runtime.database.platform() as session:
        last = await heartbeat.last_beat(session, name=auditing.NAME)
    if last is None:
        return Finding("contrôle permanent", not runtime.settings.in_production, "n’a encore jamais eu lieu")
    now = clock.now()
    age = f"dernier le {paris(last.looked_at):%d/%m à %H:%M:%S}"
    return Finding(
        "contrôle permanent",
        last.is_on_time(now=now, within=auditing.LATE_AFTER),
        f"{age}, en retard : {', '.join(last.troubles)}" if last.troubles else age,
    )


async def _watch(runtime: Runtime, cooperative: CooperativeContext) -> AsyncIterator[Finding]:
    """Does the real number ring, and did the audit find anything here?"""
    async with runtime.database.tenant(cooperative.tenant) as session:
        state = await watch.standing(session, settings=runtime.settings, at=clock.now())
    if not state.installed:
        detail = "non réglés (MAILLAGE_TELEPHONY__WATCH__NUMBER)"
        yield Finding(f"{cooperative.slug} : appels d’essai", not runtime.settings.in_production, detail)
    elif not state.enabled:
        yield Finding(f"{cooperative.slug} : appels d’essai", False, "arrêtés par la coopérative")
    else:
        success = state.last_success_at
        detail = f"dernier réussi le {paris(success):%d/%m à %H:%M}" if success else "aucun n’a encore réussi"
        yield Finding(f"{cooperative.slug} : appels d’essai", state.silent_since is None, detail)
    yield Finding(f"{cooperative.slug} : constats du contrôle", not state.findings, f"{state.findings} ouvert(s)")


def _human_fallback(cooperative: CooperativeContext) -> list[Finding]:
    """Rule 1: somebody human must be reachable when everything else failed, and not through the single number."""
    findings = []
    for label, number in (("gérant", cooperative.manager_phone), ("dernier recours", cooperative.fallback_phone)):
        valid = phonenumbers.is_valid_number(phonenumbers.parse(number))
        loops = number == cooperative.public_number
        detail = "renvoie au numéro unique : l’appel tournerait en rond" if loops else number
        findings.append(Finding(f"{cooperative.slug} : {label}", valid and not loops, detail))
    return findings


def _time_rules() -> list[Finding]:
    """The host's rules of summer time, tried on nights whose answer is known (R105)."""
    spring = paris(datetime(2027, 3, 28, 1, 0, tzinfo=UTC)).utcoffset()
    before = paris(datetime(2027, 3, 28, 0, 59, tzinfo=UTC)).utcoffset()
    autumn = paris(datetime(2027, 10, 31, 1, 0, tzinfo=UTC)).utcoffset()
    hours = [offset.total_seconds() / 3600 for offset in (before, spring, autumn) if offset is not None]
    return [Finding("heure d’été", hours == [1, 2, 1], "28/03/2027 et 31/10/2027 bien calculés")]
