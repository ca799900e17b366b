"""Whose settings a page is about: a cooperative's, or the federation's."""

from dataclasses import dataclass
from uuid import UUID

from maillage_kit.context import CooperativeContext
from maillage_kit.web import base_path


@dataclass(frozen=True, slots=True)
class Place:
    """Whose settings these are: a cooperative's, or the federation's (no id)."""

    cooperative_id: UUID | None
    base: str
    layout: str

    @classmethod
    def of(cls, cooperative: CooperativeContext) -> "Place":
        return cls(cooperative.id, f"{base_path(cooperative)}/settings", "layouts/desk.html")


FEDERATION_PLACE = Place(None, "/federation/settings", "layouts/federation.html")
