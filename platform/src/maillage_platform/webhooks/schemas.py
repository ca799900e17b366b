"""An address that is told what happens, as software reads and writes it. Its secret is written, never read."""

from typing import Annotated, Self
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from maillage_kit.rest import PageQuery
from maillage_kit.rest.shapes import Instant, Sent, Shown, said
from maillage_platform.webhooks.endpoint_form import EndpointForm
from maillage_platform.webhooks.models import WebhookEndpoint

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
Url = Annotated[str, said("Adresse publique, https.", "Public address, https.", "https://habitat.example/maillage")]
Types = Annotated[list[str], said("Événements, avec leur version.", "Events, with their version.", ["quote.sent.v1"])]
Secret = Annotated[
    str,
    said("`whsec_` et 24 à 64 octets en base64 ; jamais relu.", "`whsec_` and 24 to 64 bytes in base64; never read."),
]


class WebhookQuery(PageQuery):
    """La liste n’a pas de filtre. / The list has no filter."""


class Webhook(Shown):
    """Une adresse prévenue. / An address that is told."""

    id: UUID
    name: str
    url: Url
    types: Types
    paused: Annotated[bool, said("En pause : rien n’est envoyé ni gardé.", "Paused: nothing is sent or kept.")]
    former_secret_until: Annotated[
        Instant | None, said("Jusqu’à quand l’ancien secret signe aussi.", "Until when the former secret signs too.")
    ]

    @classmethod
    def of(cls, row: WebhookEndpoint) -> Self:
        return cls(
            id=row.id,
            name=row.name,
            url=row.url,
            types=list(row.types),
            paused=row.paused_at is not None,
            former_secret_until=row.former_secret_until,
        )


class NewWebhook(Sent):
    """Une adresse de plus. / One more address."""

    name: Name
    url: Url
    types: Types
    secret: Secret

    @property
    def form(self) -> EndpointForm:
        return EndpointForm(name=self.name, url=self.url, types=tuple(self.types))


class WebhookChange(Sent):
    """Ce qui change. Un nouveau secret : l’ancien signe encore un jour. / What changes; the former secret signs a day
    more."""

    name: Name | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    types: Types | UnsetType = UNSET
    secret: Secret | UnsetType = UNSET
    paused: bool | UnsetType = UNSET

    def over(self, before: Webhook) -> EndpointForm:
        return EndpointForm(
            name=before.name if self.name is UNSET else self.name,
            url=before.url if self.url is UNSET else self.url,
            types=tuple(before.types if self.types is UNSET else self.types),
        )
