"""One voice process for all these tests; see `maillage_voice.testing`."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from maillage_voice.testing import MANY, Lab, laboratory


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    """One voice process, with room for fifty calls."""
    settings = {"MAILLAGE_VOICE__MAX_CALLS": str(MANY)}
    async with laboratory(tmp_path_factory.mktemp("voice"), settings) as lab:
        yield lab


@pytest_asyncio.fixture(loop_scope="session")
async def lab(shared: Lab) -> AsyncIterator[Lab]:
    """The shared laboratory, with nothing left of the test before."""
    application = shared.application
    application.mood = "well"
    application.plans.clear()
    await shared.voice.uploaded()
    application.uploads.clear()
    yield shared
    shared.edge.forget()
    await shared.voice.idle()
