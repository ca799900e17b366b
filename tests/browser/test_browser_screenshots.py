"""The pictures of docs/screenshots, taken with `./maillage test tests/browser --screenshots`."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from maillage_kit.permissions import Role

pytestmark = pytest.mark.asyncio(loop_scope="session")
FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
LIMIT = 200_000


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> Path:
    if not request.config.getoption("--screenshots"):
        pytest.skip("only with --screenshots")
    FOLDER.mkdir(parents=True, exist_ok=True)
    return FOLDER


async def test_the_pictures_of_the_documentation(
    world: Any, evening: Any, open_screen: Any, phone_device: Any, folder: Path
) -> None:
    member = evening.artisan
    desk = await open_screen(Role.MANAGER)
    phone = await open_screen(Role.MEMBER, member, phone_device)
    public = await open_screen(device=phone_device)
    federation = await open_screen(Role.OPERATOR)
    shots: tuple[tuple[str, Any, str], ...] = (
        ("desk", desk, f"{world.base}/desk"),
        ("case", desk, f"{world.base}/cases/{evening.closed}"),
        ("call", desk, f"{world.base}/calls/{evening.answered_call}"),
        ("rota", desk, f"{world.base}/rota"),
        ("phone-offer", phone, f"{world.base}/field/cases/{evening.offered}"),
        ("phone-quote", phone, f"{world.base}/field/cases/{evening.signing}#quote"),
        ("public-form", public, f"{world.public}/demande?metier=plumbing"),
        ("public-tracking", public, evening.tracking),
        ("federation", federation, "/federation"),
    )
    for name, screen, path in shots:
        await picture(await screen.go(path), folder / f"{name}.png")


async def picture(page: Page, file: Path) -> None:
    await page.wait_for_load_state("networkidle")
    await page.screenshot(path=file, animations="disabled")
    assert file.stat().st_size < LIMIT, f"{file.name}: {file.stat().st_size}"
