"""Acts on the counters."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from maillage_kit import clock
from maillage_kit.db import TenantSession, core
from maillage_kit.direct import DirectStatement
from maillage_tenants.numbering.models import NumberCounter


def _count() -> sa.Insert:
    counter = core(NumberCounter)
    counted = insert(counter)
    return counted.on_conflict_do_update(
        index_elements=[counter.c.series, counter.c.year], set_={"last": counter.c.last + counted.excluded.last}
    ).returning(counter.c.last)


_COUNT = DirectStatement(_count())


async def next_number(session: TenantSession, *, prefix: str, at: datetime) -> str:
    """The next number of a series: `I-2027-000001`. The year is that of `at` in Paris; each year starts again at 1.

    Continuous and unique (R40): the counter's row stays locked until this transaction ends, and a rollback gives the
    number back. Ask for it last, just before writing what it numbers: two transactions of one series wait for each
    other. Raises ValueError for a prefix that is not one to four capital letters.
    """
    (number,) = await next_numbers(session, prefix=prefix, at=at, count=1)
    return number


async def next_numbers(session: TenantSession, *, prefix: str, at: datetime, count: int) -> tuple[str, ...]:
    """The next `count` numbers of a series, in order, with the guarantees of `next_number`. Raises ValueError for less
    than one."""
    if not (prefix.isascii() and prefix.isalpha() and prefix.isupper() and len(prefix) <= 4):
        raise ValueError(f"not a series of numbers: {prefix!r}")
    if count < 1:
        raise ValueError(f"cannot give {count} numbers")
    year = clock.paris(at).year
    ((last,),) = await _COUNT.all(session, {"series": prefix, "year": year, "last": count})
    return tuple(f"{prefix}-{year}-{place:06d}" for place in range(last - count + 1, last + 1))
