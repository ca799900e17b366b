"""docs/howto/screens.md lists every macro of the kit with its signature, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KIT = ROOT / "platform" / "src" / "maillage_app" / "web" / "templates" / "ui"
PAGE = (ROOT / "docs" / "howto" / "screens.md").read_text(encoding="utf-8")


def test_the_page_lists_the_macros_of_the_kit_with_their_signatures() -> None:
    sets = re.findall(r"set ([\w, ]+?) = _", (KIT / "kit.html").read_text(encoding="utf-8"))
    offered = {name for names in sets for name in names.split(", ")}
    signatures = {
        found.partition("(")[0]: found
        for path in KIT.glob("*.html")
        for found in re.findall(r"macro (\w+\(.*?\)) -%}", path.read_text(encoding="utf-8"))
    }
    listed = set(re.findall(r"^- `(\w+\(.*\))`", PAGE, re.MULTILINE))
    assert offered
    assert listed == {signatures[name] for name in offered}
