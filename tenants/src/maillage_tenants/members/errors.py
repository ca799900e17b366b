"""Refusals of the members domain."""

from maillage_kit.errors import Conflict, NotFound


class UnknownMember(NotFound):
    code = "unknown_member"
    message = "Cet associé n’existe pas."


class UnknownTechnician(NotFound):
    code = "unknown_technician"
    message = "Ce technicien n’existe pas."


class SiretTaken(Conflict):
    code = "siret_taken"
    message = "Un associé est déjà inscrit avec ce SIRET."
