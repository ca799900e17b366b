"""Refusals of the territory."""

from maillage_kit.errors import Invalid, NotFound


class UnknownDepartment(NotFound):
    """The product has no facts about this département code."""

    code = "unknown_department"
    message = "Ce département n’existe pas."


class InvalidSectors(Invalid):
    """The sectors leave a commune out, count one twice, or name an unknown one (R98)."""

    code = "invalid_sectors"


class InvalidSectorName(Invalid):
    """No name, too long a name, or that of another sector of the semester."""

    code = "invalid_sector_name"
    message = "Donnez un nom au nouveau secteur, de 80 lettres au plus."


class UnknownCommune(NotFound):
    code = "unknown_commune"
    message = "Cette commune n’est pas dans le département de la coopérative."


class UnknownSector(NotFound):
    code = "unknown_sector"
    message = "Ce secteur n’existe pas ce semestre pour ce métier."
