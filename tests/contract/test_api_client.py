"""The Python client is the one that the published document describes."""

import subprocess
import sys
from pathlib import Path

import pytest

from maillage_app.api import operations
from maillage_client import Client

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "clients" / "python"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("client")
    subprocess.run([sys.executable, ROOT / "tools" / "generate_client", folder], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("name", ["models.py", "operations.py"])
def test_what_is_generated_is_what_is_kept(made: Path, name: str) -> None:
    """After a change of the document: `.venv/bin/python tools/generate_client`."""
    kept = CLIENT / "src" / "maillage_client" / name
    assert (made / name).read_text(encoding="utf-8") == kept.read_text(encoding="utf-8")


def test_every_operation_is_a_method() -> None:
    names = {operation.name for _, operation in operations()}
    assert {name for name in names if callable(getattr(Client, name, None))} == names
