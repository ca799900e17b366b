"""Gapless human numbers (R40): one locked row per series and year."""

from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.db import TenantBase


class NumberCounter(TenantBase):
    __tablename__ = "number_counter"

    series: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]
