"""Refusals of the territory."""

from maillage_kit.errors import NotFound


class UnknownDepartment(NotFound):
    """The product has no facts about this département code."""

    code = "unknown_department"
    message = "Ce département n’existe pas."
