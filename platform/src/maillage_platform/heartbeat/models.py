"""When what runs by itself last looked."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.db import PlatformBase


class Heartbeat(PlatformBase):
    """`on_time_at` stops when `troubles` are found; `looked_at` stops when nobody looks any more."""

    __tablename__ = "heartbeat"

    name: Mapped[str] = mapped_column(primary_key=True)
    looked_at: Mapped[datetime]
    on_time_at: Mapped[datetime | None]
    troubles: Mapped[list[str]]
