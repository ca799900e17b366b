"""Refusals about notes and payments."""

from maillage_kit.errors import Conflict, Invalid, NotFound


class InvoiceNotFound(NotFound):
    code = "invoice_not_found"
    message = "Cette note n’existe pas."


class PaymentNotFound(NotFound):
    code = "payment_not_found"
    message = "Ce règlement n’existe pas."


class NoteBeforeWork(Conflict):
    code = "note_before_work"
    message = "La note s’établit une fois l’intervention terminée."


class NothingToBill(Conflict):
    code = "nothing_to_bill"
    message = "Aucun devis signé à facturer. Après un danger immédiat, remettez d’abord le devis."


class AlreadyBilled(Conflict):
    code = "already_billed"
    message = "La note est déjà émise. Pour la corriger, émettez un avoir."


class CertificationMissing(Invalid):
    """R33: captured on the note when it was not on the quote."""

    code = "certification_missing"
    message = (
        "Le taux de 10 % demande la certification du client : recueillez-la, ou établissez un nouveau devis à 20 %."
    )


class NotCreditable(Conflict):
    code = "not_creditable"
    message = "Cette note a déjà un avoir, ou c’est un avoir."


class PaymentBeforeNote(Conflict):
    """R7."""

    code = "payment_before_note"
    message = "La note doit être remise avant tout paiement."


class PaymentOverBalance(Invalid):
    code = "payment_over_balance"
    message = "Ce montant dépasse ce qui reste dû."


class PaymentTooEarly(Conflict):
    """R16."""

    code = "payment_too_early"
    message = "Aucun paiement pendant sept jours après la signature hors établissement (article L221-10)."


class AlreadyCorrected(Conflict):
    code = "already_corrected"
    message = "Ce règlement est déjà corrigé, ou c’est une correction."
