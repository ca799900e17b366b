"""Refusals of the case page."""

from maillage_kit.errors import Conflict, Invalid, NotFound


class ReportMissing(Conflict):
    code = "report_missing"
    message = "Le rapport d’intervention est à compléter avant de clore."


class NoteMissing(Conflict):
    """R7: the note before the payment, and before closing."""

    code = "note_missing"
    message = "La note doit être émise d’abord."


class DocumentNotAvailable(NotFound):
    code = "document_not_available"
    message = "Ce document n’existe pas pour cette intervention, ou le rapport n’est pas complet."


class NotAssignable(Invalid):
    code = "not_assignable"
