"""Why a row is thought to have been missed, from the ledger as it stood before it was mended. A guess that names its evidence."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.platforms.base import Feed
from orders_pipeline.sync.reconciling.tables import Row

_WINDOWS = """
SELECT api, window_start, window_end, fetched_at, coalesce(shortfall, 0) FROM ops.sync_windows
WHERE shop = ? AND api IN (SELECT unnest(?)) AND window_end > window_start ORDER BY fetched_at
"""

_QUARANTINED = """
SELECT row_id, arg_max(reason, fetched_at) FROM ops.quarantine WHERE shop = ? AND row_id IN (SELECT unnest(?)) GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class _Read:
    """A closed window that was read before."""

    api: str
    start: datetime
    end: datetime
    fetched_at: datetime
    shortfall: int

    def holds(self, instant: datetime) -> bool:
        return self.start <= instant <= self.end


class Ledger:
    """What had been read of a shop before a comparison mended anything."""

    def __init__(self, con: duckdb.DuckDBPyConnection, shop: str, modified: Feed, created: Feed | None) -> None:
        apis = [feed.api for feed in (modified, created) if feed]
        self._modified, self._created = modified, created
        self._reads = [
            _Read(api, start.astimezone(UTC), end.astimezone(UTC), at.astimezone(UTC), short)
            for api, start, end, at, short in con.execute(_WINDOWS, [shop, apis]).fetchall()
        ]

    def why(self, version: datetime | None, row: Row | None, quarantined: str | None) -> str:
        """One phrase on a row listed in ``version``; ``row`` is what is here of it by now, if anything is."""
        if quarantined:
            return f"set aside as unreadable: {quarantined}"
        if row and row.order_type and self._modified.types and row.order_type not in self._modified.types:
            return f"its type {row.order_type} is in no list"
        version = version or (row.version if row else None)
        if version is None:
            return "it carries no date"
        over = [read for read in self._reads if read.api == self._modified.api and read.holds(version)]
        if not over and row and self._created:
            over = [read for read in self._reads if read.api == self._created.api and read.holds(row.created_at)]
            over = [read for read in over if read.fetched_at >= version]
        if not over:
            return f"no window had been read over its change at {_local(version)}"
        short = next((read for read in over if read.shortfall), None)
        if short:
            return f"the window read at {_local(short.fetched_at)} was {short.shortfall} rows short"
        return (
            f"changed at {_local(version)}, and the window over it was read at {_local(over[0].fetched_at)} without it: "
            "it was committed late, or was lost here since"
        )


def quarantined(con: duckdb.DuckDBPyConnection, shop: str, ids: Collection[str]) -> dict[str, str]:
    """Newest reason of each id that was set aside."""
    return dict(con.execute(_QUARANTINED, [shop, list(ids)]).fetchall())


def _local(instant: datetime) -> str:
    return instant.astimezone(SHOP_TZ).strftime("%m-%d %H:%M:%S")
