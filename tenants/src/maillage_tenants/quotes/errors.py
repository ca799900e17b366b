"""Refusals about quotes."""

from maillage_kit.errors import Conflict, Invalid, NotFound, TooManyRequests


class QuoteNotFound(NotFound):
    code = "quote_not_found"
    message = "Ce devis n’existe pas."


class NothingToQuote(Invalid):
    code = "nothing_to_quote"
    message = "Il n’y a aucune ligne à chiffrer."


class NoTariff(Conflict):
    code = "no_tariff"
    message = (
        "Aucun barème n’est en vigueur pour ce métier : publiez-en un avant de chiffrer (arrêté du 24 janvier 2017)."
    )


class NotQuotable(Conflict):
    code = "not_quotable"
    message = "Ce dossier ne peut pas être chiffré dans son état actuel."


class QuoteIncomplete(Invalid):
    """R4: the mentions that are missing are in `fields`."""

    code = "quote_incomplete"
    message = "Le devis ne peut pas être remis : il manque des mentions obligatoires."


class QuoteNotSendable(Conflict):
    code = "quote_not_sendable"
    message = "Ce devis a déjà été remis."


class QuoteNotSignable(Conflict):
    code = "quote_not_signable"
    message = "Ce devis ne peut pas être signé : il n’est pas en attente de signature."


class DocumentChanged(Conflict):
    """The agreement names another document than the one that waits for it."""

    code = "document_changed"
    message = "Ce n’est pas le document qui attend votre accord : relisez le devis."


class QuoteExpired(Conflict):
    code = "quote_expired"
    message = "La durée de validité de ce devis est dépassée : établissez-en un nouveau."


class CertificationNeeded(Invalid):
    """R33."""

    code = "certification_needed"
    message = (
        "Le taux de 10 % demande que le client certifie que le logement a plus de deux ans. "
        "Sinon, établissez le devis au taux de 20 %."
    )


class SignatureUnreadable(Invalid):
    code = "signature_unreadable"
    message = "La signature n’a pas pu être lue : recommencez."


class TooManyCodes(TooManyRequests):
    code = "too_many_codes"
    message = "Un code vient d’être envoyé. Patientez une minute avant d’en demander un autre."
