"""The raw zone: one complete fetched window lands as one immutable zstd Parquet file, written aside, synced, then renamed.

What is known from the files' names is in ``warehouse/raw_zone.py``. Only allow-listed bodies reach this module (``platforms``).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from orders_pipeline.platforms.base import Page, RawTable
from orders_pipeline.warehouse import raw_zone
from orders_pipeline.warehouse.hidden import place
from orders_pipeline.warehouse.raw_zone import JoinedFile, LandedFile

ZSTD_LEVEL = 1
"""84 MB of pages cost 0.18 CPU s at level 1 and 0.28 at the usual 3, for files that are 5 % larger."""

MEMORY_LIMIT = "1GB"
"""A window of 50,000 orders, 100 MB of JSON, is written within 400 MB, and ``paging`` hands over a tenth of that at once; four
may be in flight. The default is 80 % of the machine's memory for each process."""

Span = tuple[datetime, datetime]
"""Start and end of what was read; equal where a single answer (an order, a snapshot) covers no interval."""

_COPY = """
COPY (SELECT $platform AS platform, $shop AS shop, $api AS api, $channel AS channel,
        $start::TIMESTAMPTZ AS window_start, $end::TIMESTAMPTZ AS window_end, page_no,
        $fetched::TIMESTAMPTZ AS fetched_at, request_id, $run_id AS run_id,
        row_count, $calls::INTEGER AS calls, $shortfall::BIGINT AS shortfall, decode(body) AS body
      FROM (SELECT unnest($page_no)::INTEGER AS page_no, unnest($request_id) AS request_id,
          unnest($row_count)::INTEGER AS row_count, unnest($body) AS body))
TO '{path}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {level})
"""
"""Bodies are decoded outside of where they are unnested: DuckDB names that expression after its value, four times the work."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who fetched a window and why: the columns that are equal on every row of its file."""

    platform: str
    shop: str
    channel: str  # incremental, full, message, refetch
    run_id: str


class Landing:
    """Writes and lists raw files of one data folder."""

    def __init__(self, raw: Path) -> None:
        self._raw = raw
        # kept: opening one costs ten times what a small window costs to write, and one file keeps no second thread busy
        self._con = duckdb.connect(":memory:", config={"threads": 1, "memory_limit": MEMORY_LIMIT})

    def land(
        self,
        table: RawTable,
        origin: Origin,
        span: Span,
        pages: Sequence[Page],
        fetched_at: datetime,
        calls: int,
        shortfall: int = 0,
    ) -> LandedFile:
        """Write one window. The file appears whole or not at all; an existing one is never touched: where two reads of a
        window fall on one instant, the later gets the next free microsecond. ``shortfall`` are rows that the platform
        counted and never showed. Raises OSError where the disk refuses."""
        folder = self._raw / table / f"shop={origin.shop}" / pages[0].api
        folder.mkdir(parents=True, exist_ok=True)
        while (path := folder / raw_zone.window_name(*span, fetched_at)).exists():
            fetched_at += timedelta(microseconds=1)
        self.write(path, origin, span, pages, fetched_at, calls, shortfall)
        return LandedFile(pages[0].api, *span, fetched_at, path, path.stat().st_size)

    def write(
        self,
        path: Path,
        origin: Origin,
        span: Span,
        pages: Sequence[Page],
        fetched_at: datetime,
        calls: int,
        shortfall: int = 0,
    ) -> None:
        """Write pages as one Parquet file under a temporary name, sync it to disk, rename it to ``path``."""
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        values = {
            "platform": origin.platform,
            "shop": origin.shop,
            "api": pages[0].api,
            "channel": origin.channel,
            "start": span[0].isoformat(),
            "end": span[1].isoformat(),
            "fetched": fetched_at.isoformat(),
            "run_id": origin.run_id,
            "calls": calls,
            "shortfall": shortfall,
            "page_no": list(range(1, len(pages) + 1)),
            "request_id": [page.request_id for page in pages],
            "row_count": [page.row_count for page in pages],
            "body": [page.body for page in pages],
        }
        try:
            with self._con.cursor() as con:  # of its own: windows are written from several threads
                con.execute(_COPY.format(path=str(temporary).replace("'", "''"), level=ZSTD_LEVEL), values)
            place(temporary, path)  # the name, too, must survive a power cut before the window may be called landed
        finally:
            temporary.unlink(missing_ok=True)

    def files(self, table: RawTable, shop: str) -> Iterator[LandedFile]:
        """Windows of a shop's raw table that have a file of their own, in no particular order."""
        for folder in raw_zone.folders(self._raw, table, shop):
            yield from raw_zone.windows_in(folder)

    def joined(self, table: RawTable, shop: str) -> Iterator[JoinedFile]:
        """Files of a shop's raw table that hold several windows."""
        for folder in raw_zone.folders(self._raw, table, shop):
            yield from raw_zone.joined_in(folder)

    def windows_of(self, files: Iterable[JoinedFile]) -> list[LandedFile]:
        """The windows that joined files hold, read from them."""
        with self._con.cursor() as con:
            return raw_zone.windows_of(con, files)
