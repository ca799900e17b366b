"""Refusals about tariffs."""

from maillage_kit.errors import Conflict, Invalid


class TariffIncomplete(Invalid):
    code = "tariff_incomplete"
    message = "Le barème est incomplet : ce qu’il annonce au client est fixé par la loi."


class TariffDateTaken(Conflict):
    code = "tariff_date_taken"
    message = "Une version plus récente existe déjà pour ce métier."


class TariffInForce(Conflict):
    code = "tariff_in_force"
    message = "Cette version est ou a été en vigueur : elle ne se retire pas, une autre la remplace."
