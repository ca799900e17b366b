"""Communes as the API shows them."""

from typing import Annotated, Self

from maillage_kit.rest import PageQuery
from maillage_kit.rest.shapes import Insee, Postcode, Shown, said
from maillage_tenants.territory.queries import CommuneRow


class CommuneQuery(PageQuery):
    """Every filter narrows the list."""

    postcode: Postcode | None = None
    name: (
        Annotated[
            str,
            said(
                "Débuts de mots du nom, accents indifférents.",
                "Beginnings of words of the name.",
                "pont aud",
                max_length=80,
            ),
        ]
        | None
    ) = None


class Commune(Shown):
    """Une commune du territoire. Un code postal en couvre plusieurs. / A commune served; a postcode covers several."""

    insee: Insee
    name: str
    population: int
    postcodes: list[str]

    @classmethod
    def of(cls, row: CommuneRow) -> Self:
        return cls(insee=row.insee, name=row.name, population=row.population, postcodes=list(row.postcodes))
