"""Cursors of the lists: opaque, and good only for the list, the filters and the client they were given for."""

from dataclasses import dataclass
from typing import Annotated

import msgspec
from pydantic import SecretStr

from maillage_kit.crypto import derived_token, same
from maillage_kit.errors import Invalid
from maillage_kit.pages import MAX_LIMIT, PageRequest


class PageQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What every list understands."""

    cursor: (
        Annotated[
            str,
            msgspec.Meta(
                description="Le « next » de la page précédente, rien d’autre. / The « next » of the page before.",
                max_length=2000,
            ),
        ]
        | None
    ) = None
    limit: Annotated[
        int,
        msgspec.Meta(
            ge=1, le=MAX_LIMIT, description="Combien d’objets par page. / How many objects a page.", examples=[50]
        ),
    ] = 50


@dataclass(frozen=True, slots=True)
class Cursors:
    """Seals what `maillage_kit.pages` calls a cursor, so that nobody can make one up."""

    key: SecretStr

    def seal(self, raw: str, *, purpose: str) -> str:
        return f"{raw}.{self._mark(raw, purpose)}"

    def opened(self, sealed: str, *, purpose: str) -> str:
        """Raises Invalid for a cursor that was not given for this purpose."""
        raw, _, mark = sealed.rpartition(".")
        if not raw or not mark.isascii() or not same(mark, self._mark(raw, purpose)):
            raise Invalid("Ce curseur n’est pas valable ici.", fields={"cursor": "Curseur non valable."})
        return raw

    def page(self, asked: PageQuery, *, purpose: str) -> PageRequest:
        after = self.opened(asked.cursor, purpose=purpose) if asked.cursor is not None else None
        return PageRequest(after=after, limit=asked.limit)

    def _mark(self, raw: str, purpose: str) -> str:
        return derived_token(self.key, f"cursor:{purpose}:{raw}")[:22]


def purpose_of(path: str, client_id: str, asked: PageQuery) -> str:
    """One word for a list with its filters, as one client sees it."""
    filters = {name: value for name, value in msgspec.to_builtins(asked).items() if name not in ("cursor", "limit")}
    return f"{path}|{client_id}|{msgspec.json.encode(filters, order='sorted').decode()}"
