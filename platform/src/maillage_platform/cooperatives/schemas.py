"""A cooperative as the API shows it."""

from typing import Annotated, Self

from maillage_kit.context import CooperativeContext
from maillage_kit.rest.shapes import Shown, said


class Cooperative(Shown):
    """Une coopérative, telle que ses pages publiques la disent. / A cooperative, as its public pages say it."""

    slug: Annotated[str, said("Son nom dans les adresses.", "Its name in addresses.", "eure")]
    name: str
    legal_name: str
    siren: str
    department: Annotated[str, said("Code du département.", "Code of the département.", "27")]
    public_number: Annotated[str, said("Le numéro unique, E.164.", "The single number, E.164.", "+33232402727")]
    email: str
    address: str
    trades: list[str]
    mediator: Annotated[str, said("Médiateur de la consommation (R21).", "Consumer mediator (R21).")]

    @classmethod
    def of(cls, cooperative: CooperativeContext) -> Self:
        return cls(
            slug=cooperative.slug,
            name=cooperative.name,
            legal_name=cooperative.legal_name,
            siren=cooperative.siren,
            department=cooperative.department,
            public_number=cooperative.public_number,
            email=cooperative.email,
            address=cooperative.address,
            trades=list(cooperative.trades),
            mediator=f"{cooperative.mediator_name}, {cooperative.mediator_contact}",
        )
