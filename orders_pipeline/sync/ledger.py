"""What has been read whole: rows of ``ops.sync_windows``, and what follows from them.

There is no stored cursor. Coverage is the union of applied windows; the next thing to read is its first hole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import duckdb

from orders_pipeline.platforms.base import RawTable, Window
from orders_pipeline.sync.landing import Landing
from orders_pipeline.warehouse import Warehouse
from orders_pipeline.warehouse.raw_zone import EPOCH, JoinedFile, LandedFile, Total

_READ = """
SELECT api, epoch_us(window_start), epoch_us(window_end), epoch_us(fetched_at)
FROM ops.sync_windows WHERE shop = ? ORDER BY window_start
"""

_TOTALS = """
SELECT api, (epoch_us(fetched_at) + 28800000000) // 86400000000, count(*), sum(epoch_us(fetched_at))::HUGEINT
FROM ops.sync_windows WHERE shop = ? GROUP BY ALL  -- by days of Asia/Shanghai, which is 8 hours ahead of UTC all year
"""


@dataclass(frozen=True, slots=True)
class AppliedWindow:
    """One row of the ledger."""

    api: str
    window: Window | None  # None for reads of single orders or snapshots, which cover no interval
    fetched_at: datetime
    key: tuple[str, datetime, datetime, datetime]


class Ledger:
    """A shop's applied windows, as of the newest published copy."""

    def __init__(
        self, rows: list[AppliedWindow], mapping: str = "", totals: Mapping[tuple[str, date], Total] | None = None
    ) -> None:
        self.rows = rows
        self.mapping = mapping  # the version by which what was set aside has last been tried
        self.totals = totals or {}  # of an API's windows that were fetched on a day, as the copy has them

    @classmethod
    def load(cls, warehouse: Warehouse, shop: str) -> Ledger:
        with warehouse.read() as con:
            return cls.read(con, shop)

    @classmethod
    def read(cls, con: duckdb.DuckDBPyConnection, shop: str) -> Ledger:
        """From an open connection that holds ``ops.sync_windows``."""
        mapping = con.execute("SELECT value FROM ops.meta WHERE key = ?", [f"mapping:{shop}"]).fetchone()
        totals = con.execute(_TOTALS, [shop]).fetchall()
        return cls(
            [_row(api, *map(_instant, micros)) for api, *micros in con.execute(_READ, [shop]).fetchall()],
            mapping[0] if mapping else "",
            {(api, EPOCH.date() + timedelta(days=day)): Total(count, micros) for api, day, count, micros in totals},
        )

    def with_landed(self, files: Iterable[LandedFile]) -> Ledger:
        """This ledger and windows that have landed but are not applied yet."""
        return Ledger(self.rows + [_row(*file.key) for file in files], self.mapping, self.totals)

    def covered(self, api: str) -> list[Window]:
        """Closed windows of an api that were read whole, in order of their start."""
        return sorted(row.window for row in self.rows if row.api == api and row.window)

    def first_read(self, api: str) -> datetime | None:
        """When the first window of an api was fetched. An order that changed after its page of the full pull was read is
        told by an increment only, so increments must reach back to there."""
        return min((row.fetched_at for row in self.rows if row.api == api and row.window), default=None)

    def unapplied(self, landing: Landing, table: RawTable, shop: str) -> list[LandedFile]:
        """Windows that landed and whose ledger row has not committed (a run ended between the two), oldest fetch first.

        Windows are joined once they are applied, so a joined file is opened only where the ledger does not show as many of
        that day: it was lost, or more has landed. Where a window lies in two files, it is the joined one's.
        """
        keys = {row.key for row in self.rows}
        days: defaultdict[tuple[str, date], list[JoinedFile]] = defaultdict(list)
        for file in landing.joined(table, shop):
            days[file.api, file.day].append(file)
        unknown = [
            file
            for day, files in days.items()
            if self.totals.get(day) != sum((file.total for file in files), start=Total())
            for file in files
        ]
        found = {window.key: window for window in landing.files(table, shop)}
        found |= {window.key: window for window in landing.windows_of(unknown)}
        return sorted((w for w in found.values() if w.key not in keys), key=lambda window: window.fetched_at)


def _instant(micros: int) -> datetime:
    """Microseconds since 1970: as TIMESTAMPTZ a row costs Python 15 µs, and a shop gains some 600 rows a day."""
    return EPOCH + timedelta(microseconds=micros)


def _row(api: str, start: datetime, end: datetime, fetched_at: datetime) -> AppliedWindow:
    start, end, fetched_at = (instant.astimezone(UTC) for instant in (start, end, fetched_at))
    window = Window(start, end) if end > start else None
    return AppliedWindow(api, window, fetched_at, (api, start, end, fetched_at))
