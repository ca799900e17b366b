"""What one process holds while it runs: settings, database, trades, directory, live bus. Built once, passed around."""

from dataclasses import dataclass

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.api_access import TokenVerifier
from maillage_kit.crypto import FieldCipher
from maillage_kit.db import Database
from maillage_kit.embedded_postgres import ensure_running
from maillage_kit.live import LiveBus
from maillage_kit.settings import Settings
from maillage_platform.cooperatives import Directory
from maillage_platform.oauth import Verifier
from maillage_platform.provisioning import app_url


@dataclass(frozen=True, eq=False)
class Runtime:
    settings: Settings
    owner_url: str
    database: Database
    trades: TradeRegistry
    directory: Directory
    live: LiveBus
    cipher: FieldCipher
    tokens: TokenVerifier

    @classmethod
    def start(
        cls, settings: Settings, *, trades: TradeRegistry | None = None, tokens: TokenVerifier | None = None
    ) -> "Runtime":
        """Compose a process. Starts the embedded PostgreSQL when no URL is set. Raises PluginError for a bad trade."""
        if settings.clock_file is not None:
            clock.use_for_process(clock.SharedClock(settings.clock_file))
        loaded = trades if trades is not None else TradeRegistry.from_entry_points()
        owner = settings.database.url or ensure_running(settings.database.data_dir)
        url = settings.database.app_url or app_url(owner, password=settings.database.app_password)
        database = Database(
            url, pool_size=settings.database.pool_size, pool_recycle_seconds=settings.database.pool_recycle_seconds
        )
        return cls(
            settings=settings,
            owner_url=owner,
            database=database,
            trades=loaded,
            directory=Directory(database),
            live=LiveBus(url),
            cipher=FieldCipher(settings.crypto.field_keys),
            tokens=tokens or Verifier(database, settings),
        )

    async def close(self) -> None:
        await self.database.dispose()
