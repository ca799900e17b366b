"""Communes, sectors and which commune belongs to which sector, per semester and trade."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Key
from maillage_kit.db import TenantBase


class Commune(TenantBase):
    """A commune of the cooperative's département, keyed by INSEE code, never by postcode (R97)."""

    __tablename__ = "commune"
    __table_args__ = (
        sa.Index(None, "postcodes", postgresql_using="gin"),
        sa.Index(None, "search", postgresql_ops={"search": "text_pattern_ops"}),
    )

    insee: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    postcodes: Mapped[list[str]]
    population: Mapped[int]
    lat: Mapped[float]
    lon: Mapped[float]
    epci: Mapped[str]
    former_names: Mapped[list[str]]
    neighbours: Mapped[list[str]]
    search: Mapped[str]


class Sector(TenantBase):
    """A sector's lasting identity; its communes are in `SectorCommune`."""

    __tablename__ = "sector"

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]


class SectorCommune(TenantBase):
    """In this semester, for this trade, the commune belongs to the sector: the key forbids an overlap (R98)."""

    __tablename__ = "sector_commune"
    __table_args__ = (sa.Index(None, "sector_id", "semester", "trade"),)

    semester: Mapped[str] = mapped_column(primary_key=True)
    trade: Mapped[str] = mapped_column(primary_key=True)
    insee: Mapped[str] = mapped_column(sa.ForeignKey("commune.insee"), primary_key=True)
    sector_id: Mapped[UUID] = mapped_column(sa.ForeignKey("sector.id"))


class SectorAdjacency(TenantBase):
    """A neighbouring sector and its distance by road, in metres; the ladder goes to the nearest first."""

    __tablename__ = "sector_adjacency"

    semester: Mapped[str] = mapped_column(primary_key=True)
    trade: Mapped[str] = mapped_column(primary_key=True)
    sector_id: Mapped[UUID] = mapped_column(sa.ForeignKey("sector.id"), primary_key=True)
    neighbour_id: Mapped[UUID] = mapped_column(sa.ForeignKey("sector.id"), primary_key=True)
    distance_m: Mapped[int]
