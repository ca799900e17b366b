"""The cooperatives of the tests, as they are founded."""

from maillage_platform.cooperatives import NewCooperative

EURE = NewCooperative(
    slug="eure",
    name="Dépannage Eure",
    legal_name="Coopérative des artisans dépanneurs de l’Eure",
    siren="732829320",
    department="27",
    address="12 rue de la Harpe, 27000 Évreux",
    email="contact@eure.example",
    public_number="02 32 40 27 27",
    manager_name="Hélène Marchand",
    manager_phone="06 12 34 56 01",
    fallback_phone="02 32 40 27 00",
    mediator_name="Médiation de la consommation Normandie",
    mediator_contact="https://mediateur.example",
    trades=("plumbing", "locksmith", "glazing"),
)
SEINE_MARITIME = NewCooperative(
    slug="seine-maritime",
    name="Dépannage Seine-Maritime",
    legal_name="Coopérative des artisans dépanneurs de Seine-Maritime",
    siren="404833048",
    department="76",
    address="3 quai du Havre, 76000 Rouen",
    email="contact@seine-maritime.example",
    public_number="02 35 40 76 76",
    manager_name="Paul Lemoine",
    manager_phone="06 12 34 56 02",
    fallback_phone="02 35 40 76 00",
    mediator_name="Médiation de la consommation Normandie",
    mediator_contact="https://mediateur.example",
    trades=("plumbing", "locksmith"),
)
MANCHE = NewCooperative(
    slug="manche",
    name="Dépannage Manche",
    legal_name="Coopérative des artisans dépanneurs de la Manche",
    siren="732829320",
    department="50",
    address="1 rue du Port, 50000 Saint-Lô",
    email="contact@manche.example",
    public_number="02 33 40 50 50",
    manager_name="Jeanne Lecomte",
    manager_phone="06 12 34 50 50",
    fallback_phone="02 33 40 50 00",
    mediator_name="Médiation de la consommation Normandie",
    mediator_contact="https://mediateur.example",
    trades=("plumbing",),
)
