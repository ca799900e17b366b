"""The settings that our documents give work as they stand: known, and the same for a shell and for systemd."""

import json
import re
import shlex
from pathlib import Path
from typing import Any, get_origin

import pytest
from pydantic import BaseModel

from maillage_kit.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "MAILLAGE_"


def given() -> list[tuple[str, str]]:
    """(document, line) of each setting in a code block."""
    found = []
    for page in (ROOT / "deploy" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for block in re.findall(r"^```\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            found += [(page.name, line) for line in block.splitlines() if line.startswith(PREFIX)]
    return found


def field(name: str) -> Any:
    """The annotation of the setting so named. Raises KeyError for one that does not exist."""
    model: type[BaseModel] = Settings
    *groups, last = name.removeprefix(PREFIX).lower().split("__")
    for group in groups:
        annotation = model.model_fields[group].annotation
        assert isinstance(annotation, type)
        model = annotation
    return model.model_fields[last].annotation


def as_systemd_reads(text: str) -> str:
    """A value of an EnvironmentFile: quotes count around the whole of it, anything else is taken as it stands."""
    quoted = re.fullmatch(r"'([^']*)'|\"([^\"\\]*)\"", text.strip())
    return (quoted[1] or quoted[2] or "") if quoted else text.strip()


def test_documents_give_settings() -> None:
    pages = {page for page, _ in given()}
    assert {"README.md", "telephony.md", "watch.md", "messages.md"} <= pages


@pytest.mark.parametrize(("page", "line"), given())
def test_a_documented_setting_works_as_it_stands(page: str, line: str) -> None:
    name, _, value = line.partition("=")
    annotation = field(name)
    if "$(" not in value:
        assert (shlex.split(value) or [""]) == [as_systemd_reads(value)], "a shell reads something else than systemd"
    if get_origin(annotation) in (tuple, frozenset, list):
        assert isinstance(json.loads(as_systemd_reads(value)), list)
