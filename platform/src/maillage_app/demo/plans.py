"""The two cooperatives of the demo: what is decided by hand. The rest of them is invented."""

from dataclasses import dataclass

from maillage_app.demo.fiction import fictional_siren
from maillage_platform.cooperatives import NewCooperative

MEDIATOR = "Médiation de la consommation de Normandie (fictive)"


@dataclass(frozen=True, slots=True)
class TradePlan:
    """Sectors of one trade and how many businesses live in each. `merged` joins default sectors into larger ones."""

    businesses: tuple[int, ...]
    technicians: int
    merged: tuple[tuple[str, str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class CooperativePlan:
    """What is decided by hand of a cooperative; the rest is invented."""

    new: NewCooperative
    manager_email: str
    trades: dict[str, TradePlan]
    customer_numbers: tuple[int, int]
    technician_numbers: tuple[int, int]
    siren_base: int

    @property
    def slug(self) -> str:
        return self.new.slug


EURE = CooperativePlan(
    new=NewCooperative(
        slug="eure",
        name="Dépannage Eure",
        legal_name="Coopérative des artisans dépanneurs de l’Eure",
        siren=fictional_siren(27),
        department="27",
        address="12, rue de la Harpe, 27000 Évreux",
        email="permanence@eure.example",
        public_number="02 61 91 92 27",
        manager_name="Hélène Marchand",
        manager_phone="02 61 91 92 01",
        fallback_phone="02 61 91 92 00",
        mediator_name=MEDIATOR,
        mediator_contact="https://mediateur.example",
        trades=("plumbing", "locksmith", "glazing"),
    ),
    manager_email="helene.marchand@eure.example",
    trades={
        "plumbing": TradePlan(businesses=(4, 3, 3, 2, 3, 3, 2), technicians=3),
        "locksmith": TradePlan(
            businesses=(2, 2, 2),
            technicians=3,
            merged=(
                ("SE1", "Évreux et le sud", ("S1", "S7")),
                ("SE2", "Seine et Vexin", ("S2", "S3", "S4")),
                ("SE3", "Ouest de l’Eure", ("S5", "S6")),
            ),
        ),
        "glazing": TradePlan(
            businesses=(2, 2),
            technicians=3,
            merged=(
                ("VI1", "Est de l’Eure", ("S1", "S2", "S3", "S4")),
                ("VI2", "Ouest et sud de l’Eure", ("S5", "S6", "S7")),
            ),
        ),
    },
    customer_numbers=(0, 4_500),
    technician_numbers=(0, 400),
    siren_base=2_700,
)
SEINE_MARITIME = CooperativePlan(
    new=NewCooperative(
        slug="seine-maritime",
        name="Dépannage Seine-Maritime",
        legal_name="Coopérative des artisans dépanneurs de Seine-Maritime",
        siren=fictional_siren(76),
        department="76",
        address="3, quai du Havre, 76000 Rouen",
        email="permanence@seine-maritime.example",
        public_number="02 61 91 97 76",
        manager_name="Paul Lemoine",
        manager_phone="02 61 91 97 01",
        fallback_phone="02 61 91 97 00",
        mediator_name=MEDIATOR,
        mediator_contact="https://mediateur.example",
        trades=("plumbing", "locksmith"),
    ),
    manager_email="paul.lemoine@seine-maritime.example",
    trades={
        "plumbing": TradePlan(businesses=(3, 2, 2, 2, 2, 3, 2, 2, 2, 2), technicians=3),
        "locksmith": TradePlan(
            businesses=(2, 2, 2, 2),
            technicians=3,
            merged=(
                ("SE1", "Estuaire", ("S1", "S9")),
                ("SE2", "Rouen et la Seine", ("S3", "S6", "S7", "S8")),
                ("SE3", "Dieppe et Bray", ("S2", "S10")),
                ("SE4", "Pays de Caux", ("S4", "S5")),
            ),
        ),
    },
    customer_numbers=(4_500, 9_000),
    technician_numbers=(400, 800),
    siren_base=7_600,
)

COOPERATIVES = (EURE, SEINE_MARITIME)
