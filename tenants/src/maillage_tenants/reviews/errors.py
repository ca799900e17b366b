"""Refusals about reviews."""

from maillage_kit.errors import Conflict, NotFound


class ReviewNotFound(NotFound):
    code = "review_not_found"
    message = "Cet avis n’existe pas."


class NotFinished(Conflict):
    code = "review_too_early"
    message = "L’avis se donne une fois l’intervention terminée et le dossier clos."


class AlreadyReviewed(Conflict):
    code = "already_reviewed"
    message = "Un avis est déjà donné pour cette intervention."


class AlreadyAnswered(Conflict):
    code = "review_already_answered"
    message = "La coopérative a déjà répondu à cet avis."
