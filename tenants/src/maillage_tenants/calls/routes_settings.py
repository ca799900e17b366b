"""The office's choices about the telephone: recording, the switchboard's voice, masked numbers."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.response import Redirect, Template

from maillage_hooks import TradeRegistry
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import AppError, Conflict, Invalid, NotFound, TooLarge
from maillage_kit.permissions import Permission
from maillage_kit.phone import show_phone
from maillage_kit.web import AnyRequest, base_path, page, requires, see_other, text
from maillage_tenants import masking, recordings
from maillage_tenants.calls import words

_TABS = (
    ("", "Enregistrement", "shield"),
    ("/prompts", "Voix du standard", "phone"),
    ("/numbers", "Numéros masqués", "key"),
)


def _tabs(cooperative: CooperativeContext, here: str) -> list[dict[str, Any]]:
    base = f"{base_path(cooperative)}/telephony"
    return [{"href": base + path, "label": label, "icon": icon, "current": path == here} for path, label, icon in _TABS]


# ---------------------------------------------------------------------------------------------------- recording


@get("/telephony", guards=[requires(Permission.SETTINGS_READ)])
async def telephony_settings(request: AnyRequest, session: TenantSession, cooperative: CooperativeContext) -> Template:
    """Whether conversations are recorded (R70)."""
    return page(
        request,
        "calls/recording.html",
        tabs=_tabs(cooperative, ""),
        records=await recordings.is_on(session),
        notice=words.RECORDING_NOTICE,
        days=recordings.PURGED_AFTER.days,
    )


@post("/telephony/recording", guards=[requires(Permission.SETTINGS_WRITE)], status_code=303)
async def choose_recording(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor
) -> Redirect:
    """Record conversations from now on, or no longer."""
    records = text(await request.form(), "records") == "1"
    await recordings.choose(session, records=records, by=actor.display_name)
    done = "Les conversations sont enregistrées." if records else "Les conversations ne sont plus enregistrées."
    return see_other(f"{base_path(cooperative)}/telephony", flash=done)


# ------------------------------------------------------------------------------------------------------ prompts


@get("/telephony/prompts", guards=[requires(Permission.SETTINGS_READ)])
async def prompts(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, trades: TradeRegistry
) -> Template:
    """What the switchboard says, sentence by sentence, and in which voice."""
    return await _prompts(request, session, cooperative, trades)


async def _prompts(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    trades: TradeRegistry,
    *,
    refused: str = "",
    error: str = "",
) -> Template:
    sentences = words.sentences_of(cooperative.name, trades)
    return page(
        request,
        "calls/prompts.html",
        status_code=422 if error else 200,
        tabs=_tabs(cooperative, "/prompts"),
        lines=await recordings.prompts(session, sentences=sentences),
        refused=refused,
        error=error,
    )


@post("/telephony/prompts/{name:str}", guards=[requires(Permission.SETTINGS_WRITE)])
async def record_prompt(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    name: str,
) -> Redirect | Template:
    """Say a sentence with the sound that is sent; a sound that cannot be used comes back with the reason."""
    sentence = words.sentences_of(cooperative.name, trades).get(name)
    if sentence is None:
        raise NotFound
    file = (await request.form()).get("sound")
    content = await file.read() if isinstance(file, UploadFile) else b""
    try:
        await recordings.record_prompt(session, name=name, words=sentence, content=content, by=actor.display_name)
    except (Invalid, TooLarge) as refused:
        return await _prompts(request, session, cooperative, trades, refused=name, error=refused.message)
    return see_other(f"{base_path(cooperative)}/telephony/prompts", flash="Phrase enregistrée.")


@post("/telephony/prompts/{name:str}/forget", guards=[requires(Permission.SETTINGS_WRITE)], status_code=303)
async def forget_prompt(session: TenantSession, cooperative: CooperativeContext, actor: Actor, name: str) -> Redirect:
    """Back to the synthetic voice."""
    await recordings.forget_prompt(session, name=name, by=actor.display_name)
    return see_other(f"{base_path(cooperative)}/telephony/prompts", flash="La voix de synthèse reprend cette phrase.")


@get("/telephony/prompts/{name:str}/sound", guards=[requires(Permission.SETTINGS_READ)])
async def prompt_sound(session: TenantSession, name: str) -> Response[bytes]:
    """The recording of a sentence, to be heard."""
    content = await recordings.prompt_sound(session, name=name)
    return Response(content, media_type="audio/wav", headers={"Cache-Control": "private, no-store"})


# ------------------------------------------------------------------------------------------------ masked numbers


@get("/telephony/numbers", guards=[requires(Permission.SETTINGS_READ)])
async def masked_numbers(request: AnyRequest, session: TenantSession, cooperative: CooperativeContext) -> Template:
    """The numbers that join an artisan and a customer."""
    return await _numbers(request, session, cooperative)


async def _numbers(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    *,
    typed: str | None = None,
    error: str = "",
) -> Template:
    return page(
        request,
        "calls/numbers.html",
        status_code=422 if error else 200,
        tabs=_tabs(cooperative, "/numbers"),
        lines=await masking.numbers(session),
        typed=typed,
        errors={"number": error} if error else {},
        hours=int(masking.LENT_AFTER.total_seconds() // 3600),
    )


@post("/telephony/numbers", guards=[requires(Permission.SETTINGS_WRITE)])
async def add_number(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor
) -> Redirect | Template:
    """Add a number to the pool; one that may not be used comes back with the reason (R22, R102)."""
    typed = text(await request.form(), "number")
    try:
        number = await masking.add_number(session, cooperative=cooperative, typed=typed, by=actor.display_name)
    except (Invalid, Conflict) as refused:
        return await _numbers(request, session, cooperative, typed=typed, error=_why(refused))
    return see_other(f"{base_path(cooperative)}/telephony/numbers", flash=f"Le {show_phone(number)} est ajouté.")


def _why(refused: AppError) -> str:
    return " ".join(dict.fromkeys([refused.message, *refused.fields.values()]))


@post("/telephony/numbers/{number_id:uuid}/retire", guards=[requires(Permission.SETTINGS_WRITE)], status_code=303)
async def retire_number(
    session: TenantSession, cooperative: CooperativeContext, actor: Actor, number_id: UUID
) -> Redirect:
    """Lend this number no more."""
    number = await masking.retire_number(session, number_id=number_id, by=actor.display_name)
    return see_other(f"{base_path(cooperative)}/telephony/numbers", flash=f"Le {show_phone(number)} est retiré.")


ROUTES = (
    telephony_settings,
    choose_recording,
    prompts,
    record_prompt,
    forget_prompt,
    prompt_sound,
    masked_numbers,
    add_number,
    retire_number,
)
