"""Refusals of the case file."""

from maillage_kit.errors import Conflict, Invalid, NotFound, TooLarge


class CaseNotFound(NotFound):
    code = "case_not_found"
    message = "Ce dossier n’existe pas."


class StepNotAllowed(Conflict):
    """The state of the case does not allow that step."""

    code = "step_not_allowed"
    message = "Ce n’est pas possible dans l’état actuel de l’intervention."


class QuoteNotSigned(Conflict):
    """R4, R6: no work without a signed quote, unless a danger reason is written."""

    code = "quote_not_signed"
    message = "Le devis doit être signé avant les travaux. En cas de danger immédiat, écrivez le motif."


class ClockOutOfOrder(Conflict):
    """R88: the instants of a case go forward."""

    code = "clock_out_of_order"
    message = "Cette heure contredit une heure déjà enregistrée."


class TriageIncomplete(Invalid):
    code = "triage_incomplete"
    message = "Il manque des réponses pour qualifier la demande."


class AlreadyTaken(Conflict):
    """Another artisan accepted first."""

    code = "already_taken"
    message = "Cette intervention est déjà prise."


class OfferOver(Conflict):
    """The offer was answered, ran out or was withdrawn."""

    code = "offer_over"
    message = "Cette proposition n’est plus valable."


class InvalidReport(Invalid):
    code = "invalid_report"
    message = "Le rapport est à compléter."


class UnknownFile(Invalid):
    """The bytes are neither a photo nor a PDF, whatever the name says."""

    code = "unknown_file"
    message = "Envoyez une photo (JPEG, PNG, WebP) ou un PDF."


class FileTooLarge(TooLarge):
    code = "file_too_large"
    message = "Le fichier dépasse 8 Mo."
