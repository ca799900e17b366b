"""docs/howto/api-clients.md as a stranger types it: from the identifier and the secret to a first answer, with curl."""

import asyncio
import json
import re
import subprocess
from pathlib import Path

from maillage_app.testing.real_server import Server
from maillage_kit.testing.oauth_application import OAuthApplication

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "api-clients.md"
BLANKS = "URL=http://localhost:8027 CLIENT_ID=… SECRET=…"


async def test_the_page_leads_to_a_first_answer(api_server: Server, landlord: OAuthApplication) -> None:
    text = PAGE.read_text(encoding="utf-8")
    own_name = text[text.index("## A token in its own name") : text.index("## With a key of its own")]
    typed = "".join(re.findall(r"^```sh\n(.*?)^```$", own_name, re.DOTALL | re.MULTILINE))
    assert BLANKS in typed
    filled = f"URL={api_server.url} CLIENT_ID={landlord.client_id} SECRET={landlord.secret}"
    script = re.sub(r"^curl ", "echo; curl -sS ", typed.replace(BLANKS, filled), flags=re.MULTILINE)
    done = await asyncio.to_thread(subprocess.run, ["bash", "-eu", "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    metadata, token, mine, coverage, made, known, revoked = map(json.loads, filter(None, done.stdout.splitlines()))
    assert metadata["issuer"] == api_server.url
    assert token.keys() == {"token_type", "access_token", "expires_in", "scope"}
    assert [found["slug"] for found in mine["items"]] == ["eure"]
    assert (coverage["served"], coverage["commune"]) == (True, "Pont-Audemer")
    assert made["name"] == "Habitat de l’Eure" and made["number"]
    assert known["active"] is True and revoked == {}
