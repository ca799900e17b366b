"""Errors of this domain."""

from maillage_kit.errors import Invalid, NotFound


class UnknownCustomer(NotFound):
    code = "unknown_customer"
    message = "Ce client n’existe pas."


class UnknownSite(NotFound):
    code = "unknown_site"
    message = "Ce lieu n’existe pas."


class UnknownPhone(NotFound):
    code = "unknown_phone"
    message = "Ce numéro n’existe pas."


class PhoneAlreadyThere(Invalid):
    code = "phone_already_there"
    message = "Ce client a déjà ce numéro."


class CommuneToChoose(Invalid):
    """The postcode alone does not say the commune (R97)."""

    code = "commune_to_choose"
