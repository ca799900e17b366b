"""docs/hooks.md cannot drift from the hooks, and no hook is without a test."""

import inspect
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import maillage_plumbing
from maillage_hooks import API_VERSION, TradeRegistry, specs
from maillage_hooks.conformance import sample_data

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")
PROTOCOLS = (specs.Triage, specs.SlaRules, specs.Pricing, specs.ReportRules)


def signature(function: Any) -> str:
    """As a reader writes it: types without their modules."""
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", f"{function.__name__}{inspect.signature(function)}")


def test_the_list_of_hooks_is_the_list_of_specifications() -> None:
    declared = [name for name, value in vars(specs).items() if hasattr(value, f"{specs.PROJECT}_spec")]
    assert tuple(declared) == specs.HOOK_NAMES


@pytest.mark.parametrize("hook", specs.HOOK_NAMES)
def test_every_hook_has_a_section_headed_by_its_signature(hook: str) -> None:
    assert f"\n### `{signature(getattr(specs, hook))}`\n" in PAGE


def test_the_page_documents_no_other_hook_and_keeps_their_order() -> None:
    assert tuple(re.findall(r"^### `(maillage_\w+)\(", PAGE, re.MULTILINE)) == specs.HOOK_NAMES


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.__name__)
def test_every_method_of_what_hooks_return_is_documented(protocol: type) -> None:
    for name, member in vars(protocol).items():
        if isinstance(member, property):
            returned = signature(member.fget).split(" -> ")[1]
            assert f"`{name}: {returned}`" in PAGE
        elif inspect.isfunction(member) and not name.startswith("_"):
            assert f"`{signature(member)}`" in PAGE


@pytest.mark.parametrize("hook", specs.HOOK_NAMES)
def test_every_hook_has_a_test_by_name(hook: str) -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "unit").glob("test_hooks_*.py"))
    assert re.search(rf"^def test_{hook}_\w+\(", tests, re.MULTILINE)


def test_the_version_documented_is_the_version_asked() -> None:
    assert f"`API_VERSION` is {API_VERSION}." in PAGE


def test_the_json_documented_is_the_json_that_templates_get() -> None:
    [example] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    plugin = TradeRegistry.from_modules({"plumbing": maillage_plumbing}).get("plumbing")
    [certificate] = [document for document in plugin.report.documents if document.code == "leak_certificate"]
    assert shape(json.loads(example)) == shape(sample_data(plugin, certificate, "FUITE_ENCASTREE", {}))


def shape(value: Any, key: str = "") -> Any:
    """Keys and types; the fields of the report, which depend on the case, as one."""
    if key == "report":
        return {"<code>": "str"}
    if isinstance(value, Mapping):
        return {name: shape(part, name) for name, part in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])]
    return type(value).__name__
