"""Who may open which case: the office every one, a member those of his business, a technician those given to him.
Nobody else's exists (404).
"""

from collections.abc import Awaitable
from uuid import UUID

from litestar.response import Redirect, Response

from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Conflict, Invalid, NotFound, TooLarge
from maillage_kit.permissions import Permission, Role
from maillage_kit.web import base_path, see_other
from maillage_tenants import interventions
from maillage_tenants.interventions import Intervention


async def case_for(session: TenantSession, *, case_id: UUID, actor: Actor) -> Intervention:
    """The case, when this person may see it. Raises CaseNotFound otherwise, as if it did not exist."""
    row = await interventions.case(session, case_id=case_id)
    if actor.may(Permission.CASES_READ) or is_own(row, actor):
        return row
    raise NotFound


def is_own(row: Intervention, actor: Actor) -> bool:
    """Whether the case is this artisan's: a member's business has it, a technician was given it himself."""
    if not actor.may(Permission.FIELD_WORK):
        return False
    if actor.role is Role.TECHNICIAN:
        return actor.technician_id is not None and row.technician_id == actor.technician_id
    return actor.member_id is not None and row.member_id == actor.member_id


def case_page(cooperative: CooperativeContext, actor: Actor, case_id: UUID) -> str:
    """Where this person works on the case: the office's page or the artisan's phone."""
    folder = "/field/cases" if actor.may(Permission.FIELD_WORK) else "/cases"
    return f"{base_path(cooperative)}{folder}/{case_id}"


async def attempt(session: TenantSession, act: Awaitable[object]) -> Conflict | Invalid | TooLarge | None:
    """Do `act` wholly or not at all; a refusal that a person can understand is returned instead of raised."""
    try:
        async with session.begin_nested():
            await act
    except (Conflict, Invalid, TooLarge) as refusal:
        return refusal
    return None


def words_of(refusal: Conflict | Invalid | TooLarge) -> str:
    """The refusal in one line, with the fields that say more than the message."""
    details = [text for text in dict.fromkeys(refusal.fields.values()) if text and text not in refusal.message]
    return f"{refusal.message} {' '.join(details)}".strip()


async def done_or_said(session: TenantSession, act: Awaitable[object], *, back: str, done: str) -> Redirect:
    """Do `act` and go back to the page, with `done` or with the refusal in words."""
    refusal = await attempt(session, act)
    if refusal is not None:
        return see_other(back, flash=words_of(refusal), tone="danger")
    return see_other(back, flash=done)


async def kept_file(session: TenantSession, *, case_id: UUID, attachment_id: UUID) -> Response[bytes]:
    """A photo or a document of a case as it was sent. Raises CaseNotFound when it is not of that case."""
    found, content = await interventions.attachment_content(session, case_id=case_id, attachment_id=attachment_id)
    return Response(
        content,
        media_type=found.content_type,
        headers={"Cache-Control": "private, max-age=3600", "Content-Disposition": "inline"},
    )


def pdf(content: bytes, filename: str) -> Response[bytes]:
    """A PDF that opens in the browser."""
    return Response(
        content,
        media_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{filename}"', "Cache-Control": "private, no-store"},
    )
