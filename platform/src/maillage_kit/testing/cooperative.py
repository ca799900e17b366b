"""A cooperative for tests that open no database."""

from uuid import UUID

from maillage_kit.context import CooperativeContext, TenantRef

EURE = CooperativeContext(
    id=UUID(int=7),
    slug="eure",
    name="Dépannage Eure",
    legal_name="Coopérative des artisans dépanneurs de l’Eure",
    legal_form="SCOP",
    siren="732829320",
    department="27",
    address="12 rue de la Harpe, 27000 Évreux",
    email="contact@eure.example",
    public_number="+33232402727",
    manager_name="Hélène Marchand",
    manager_phone="+33612345601",
    fallback_phone="+33232402700",
    mediator_name="Médiation",
    mediator_contact="https://mediateur.example",
    timezone="Europe/Paris",
    trades=("plumbing",),
    tenant=TenantRef(UUID(int=7), "t", "t"),
)
