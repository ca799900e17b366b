"""Refusals about the ledger."""

from maillage_kit.errors import Conflict


class NothingToCredit(Conflict):
    code = "nothing_to_credit"
    message = "Ce document ne peut pas être porté au compte d’un associé : il manque l’artisan ou le métier."
