"""What the customer keeps: one page of his case for years, a message each time a document is there (R4, R7, R10)."""

from uuid import UUID

from maillage_kit.context import CooperativeContext
from maillage_kit.crypto import derived_token, token_hash
from maillage_kit.db import TenantSession
from maillage_kit.phone import is_mobile, show_phone
from maillage_kit.settings import Settings
from maillage_kit.web import public_path
from maillage_tenants import messages
from maillage_tenants.interventions import queries
from maillage_tenants.interventions.service.story import add_event


async def public_token(session: TenantSession, *, settings: Settings, case_id: UUID) -> str:
    """The secret of the customer's page, the same each time, so that no message sent before stops working.

    It is derived from the application's key and only its hash is stored: a copy of the database opens no page. After
    the key was changed, the next message gives a new address. Raises CaseNotFound.
    """
    row = await queries.locked_case(session, case_id=case_id)
    token = derived_token(settings.web.secret_key, f"tracking:{case_id}")
    row.public_token_hash = token_hash(token)
    await session.flush()
    return token


def tracking_url(settings: Settings, cooperative: CooperativeContext, token: str) -> str:
    """The customer's page, absolute."""
    return f"{settings.web.public_url.rstrip('/')}{public_path(cooperative)}/suivi/{token}"


async def tell_customer(
    session: TenantSession,
    *,
    cooperative: CooperativeContext,
    settings: Settings,
    case_id: UUID,
    subject: str,
    text: str,
    purpose: str,
    dedupe_key: str,
) -> None:
    """Send `text` with the address of the customer's page: by e-mail when one is known, else by SMS to a mobile.

    With neither, the story says that the document is to be given on paper. Saying it twice says it once.
    """
    row = await queries.case(session, case_id=case_id)
    email = await queries.customer_email(session, case_id=case_id)
    url = tracking_url(settings, cooperative, await public_token(session, settings=settings, case_id=case_id))
    if email:
        await messages.send_email(
            session,
            to=email,
            subject=subject,
            body=(
                f"Bonjour,\n\n{text} {url}\n\n"
                "Gardez ce message : la page conserve vos documents, à lire, enregistrer ou imprimer.\n\n"
                f"{cooperative.name}\n{show_phone(cooperative.public_number)}\n"
            ),
            purpose=purpose,
            dedupe_key=dedupe_key,
            intervention_id=case_id,
        )
    elif is_mobile(row.caller_phone):
        await messages.send_sms(
            session,
            to=row.caller_phone or "",
            body=f"{cooperative.name} : {text[:1].lower()}{text[1:]} {url}",
            purpose=purpose,
            dedupe_key=dedupe_key,
            intervention_id=case_id,
        )
    elif not any(event.detail.get("key") == dedupe_key for event in await queries.story(session, case_id=case_id)):
        await add_event(
            session,
            case_id=case_id,
            kind="by_hand",
            text=f"Ni courriel ni mobile : à remettre au client sur papier ({subject})",
            actor="système",
            detail={"key": dedupe_key},
        )


async def send_tracking(
    session: TenantSession, *, cooperative: CooperativeContext, settings: Settings, case_id: UUID
) -> None:
    """Once qualified: the price announced and the page where the artisan can be followed (R2, R10)."""
    row = await queries.case(session, case_id=case_id)
    if not row.announced:
        return
    await tell_customer(
        session,
        cooperative=cooperative,
        settings=settings,
        case_id=case_id,
        subject=f"Votre demande {row.number}",
        text=f"Demande {row.number} enregistrée. Prix annoncé et suivi de l’artisan :",
        purpose="case_tracking",
        dedupe_key=f"case-tracking:{case_id}",
    )
