"""docs/howto/webhooks.md lists every event with its fields, and each event is one that a domain publishes."""

import dataclasses
import importlib
import re
from pathlib import Path

import pytest

from maillage_kit import outside
from maillage_platform.webhooks import CATALOGUE
from maillage_platform.webhooks.catalogue import TEST_TYPE, EventType

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "howto" / "webhooks.md").read_text(encoding="utf-8")
# whatever says who somebody is, or where: it never leaves (R73)
PERSONAL = re.compile(r"name|phone|mail|address|postcode|city|words|note$|signed_by|insee|door|code")


def test_the_page_lists_the_events_with_their_fields() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \|[^|]*\| ((?:`\w+`(?:, )?)+) \|$", PAGE, re.MULTILINE)
    listed = {name: tuple(re.findall(r"`(\w+)`", fields)) for name, fields in rows}
    assert listed == {**{each.name: each.fields for each in CATALOGUE}, TEST_TYPE: ("endpoint_id",)}


@pytest.mark.parametrize("event", CATALOGUE, ids=[each.name for each in CATALOGUE])
def test_each_event_is_published_by_a_domain_with_these_fields(event: EventType) -> None:
    domain, _, name = event.source.partition(".")
    kind = getattr(importlib.import_module(f"maillage_tenants.{domain}.events"), name)
    assert outside.event_type(kind) == event.source
    assert set(event.fields) <= {field.name for field in dataclasses.fields(kind)}
    assert {"intervention_id", "customer_id"} <= set(event.fields), "its order, and whose it is"
    assert re.fullmatch(r"[a-z]+\.[a-z_]+\.v\d+", event.name)
    assert not [field for field in event.fields if PERSONAL.search(field)]
