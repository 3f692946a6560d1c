"""What has been read whole: rows of ``ops.sync_windows``, and what follows from them.

There is no stored cursor. Coverage is the union of applied windows; the next thing to read is its first hole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb

from orders_pipeline.platforms.base import RawTable, Window
from orders_pipeline.sync.landing import LandedFile, Landing
from orders_pipeline.warehouse import Warehouse

_READ = """
SELECT api, epoch_us(window_start), epoch_us(window_end), epoch_us(fetched_at)
FROM ops.sync_windows WHERE shop = ? ORDER BY window_start
"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AppliedWindow:
    """One row of the ledger."""

    api: str
    window: Window | None  # None for reads of single orders or snapshots, which cover no interval
    fetched_at: datetime
    key: tuple[str, datetime, datetime, datetime]


class Ledger:
    """A shop's applied windows, as of the newest published copy."""

    def __init__(self, rows: list[AppliedWindow], mapping: str = "") -> None:
        self.rows = rows
        self.mapping = mapping  # the version by which what was set aside has last been tried

    @classmethod
    def load(cls, warehouse: Warehouse, shop: str) -> Ledger:
        with warehouse.read() as con:
            return cls.read(con, shop)

    @classmethod
    def read(cls, con: duckdb.DuckDBPyConnection, shop: str) -> Ledger:
        """From an open connection that holds ``ops.sync_windows``."""
        mapping = con.execute("SELECT value FROM ops.meta WHERE key = ?", [f"mapping:{shop}"]).fetchone()
        return cls(
            [_row(api, *map(_instant, micros)) for api, *micros in con.execute(_READ, [shop]).fetchall()],
            mapping[0] if mapping else "",
        )

    def with_landed(self, files: Iterable[LandedFile]) -> Ledger:
        """This ledger and windows that have landed but are not applied yet."""
        return Ledger(self.rows + [_row(*file.key) for file in files], self.mapping)

    def covered(self, api: str) -> list[Window]:
        """Closed windows of an api that were read whole, in order of their start."""
        return sorted(row.window for row in self.rows if row.api == api and row.window)

    def first_read(self, api: str) -> datetime | None:
        """When the first window of an api was fetched. An order that changed after its page of the full pull was read is
        told by an increment only, so increments must reach back to there."""
        return min((row.fetched_at for row in self.rows if row.api == api and row.window), default=None)

    def unapplied(self, landing: Landing, table: RawTable, shop: str) -> list[LandedFile]:
        """Files that landed and whose ledger row has not committed (a run ended between the two), oldest fetch first."""
        keys = {row.key for row in self.rows}
        return sorted(
            (file for file in landing.files(table, shop) if file.key not in keys), key=lambda file: file.fetched_at
        )


def _instant(micros: int) -> datetime:
    """Microseconds since 1970: as TIMESTAMPTZ a row costs Python 15 µs, and a shop gains some 600 rows a day."""
    return _EPOCH + timedelta(microseconds=micros)


def _row(api: str, start: datetime, end: datetime, fetched_at: datetime) -> AppliedWindow:
    start, end, fetched_at = (instant.astimezone(UTC) for instant in (start, end, fetched_at))
    window = Window(start, end) if end > start else None
    return AppliedWindow(api, window, fetched_at, (api, start, end, fetched_at))
