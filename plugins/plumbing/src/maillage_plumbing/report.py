"""Plumbing report and documents: the leak certificate (R90), the record for the insurer (R91)."""

from importlib.resources import files

from maillage_hooks.documents import framed, insurance_record
from maillage_hooks.tables import DeclaredReport
from maillage_hooks.types import DocumentSpec
from maillage_plumbing.catalogue import PIPE_LEAK, TYPES

LEAK_CERTIFICATE = DocumentSpec(
    code="leak_certificate",
    label="Attestation de réparation de fuite",
    template=framed(files("maillage_plumbing").joinpath("leak_certificate.typ").read_text(encoding="utf-8")),
    type_codes=frozenset(kind.code for kind in TYPES if kind.report_fields == PIPE_LEAK),
    required_fields=("leak_location", "pipe_type", "pipe_after_meter", "repaired_on"),
)

REPORT = DeclaredReport(
    version=1,
    types=TYPES,
    documents=(LEAK_CERTIFICATE, insurance_record(kind.code for kind in TYPES if kind.code != "ODEUR_GAZ")),
)
