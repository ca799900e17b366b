"""Refusals of the public pages."""

from maillage_kit.errors import TooManyRequests


class TooManyWebRequests(TooManyRequests):
    code = "too_many_web_requests"
    message = "Trop de demandes en peu de temps. Appelez le numéro affiché en haut de la page : il répond jour et nuit."
