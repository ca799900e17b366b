"""The form of an endpoint: what was asked, and what it comes to once everything in it makes sense."""

from dataclasses import dataclass

from maillage_kit.errors import Invalid
from maillage_kit.guarded_http import CallRefused, GuardedHttp
from maillage_platform.webhooks.catalogue import CATALOGUE
from maillage_platform.webhooks.models import WebhookEndpoint

MAX_URL = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointForm:
    """As typed, or as a machine sent it."""

    name: str = ""
    url: str = ""
    types: tuple[str, ...] = ()

    @classmethod
    def of(cls, endpoint: WebhookEndpoint) -> "EndpointForm":
        return cls(name=endpoint.name, url=endpoint.url, types=tuple(endpoint.types))


def checked(form: EndpointForm, *, http: GuardedHttp) -> EndpointForm:
    """The same with its types in the order of the catalogue. Raises Invalid: which fields, and why.

    An address whose name leads to a private place is only found out when it is called, and refused then.
    """
    fields: dict[str, str] = {}
    name = " ".join(form.name.split())
    if not name:
        fields["name"] = "Donnez un nom, par exemple celui du logiciel qui reçoit."
    if len(form.url) > MAX_URL:
        fields["url"] = "Cette adresse est trop longue."
    else:
        try:
            http.check_form(form.url)
        except CallRefused:
            fields["url"] = "Donnez une adresse publique en https, sans mot de passe ni « # »."
    known = tuple(each.name for each in CATALOGUE if each.name in form.types)
    if not known or len(known) < len(set(form.types)):
        fields["types"] = "Choisissez au moins un événement de la liste."
    if fields:
        raise Invalid(fields=fields)
    return EndpointForm(name=name, url=form.url, types=known)
