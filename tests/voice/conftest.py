"""One voice process for each file of tests; see `maillage_voice.testing`."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from maillage_voice.testing import Lab, laboratory


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    """One voice process for a whole file."""
    async with laboratory(tmp_path_factory.mktemp("voice")) as lab:
        yield lab


@pytest_asyncio.fixture(loop_scope="module")
async def lab(shared: Lab) -> AsyncIterator[Lab]:
    """The shared laboratory, with nothing left of the test before."""
    application = shared.application
    application.mood = "well"
    application.plans.clear()
    yield shared
    shared.edge.forget()
    if shared.voice.is_running:
        await shared.voice.idle()
