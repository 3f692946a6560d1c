"""The raw zone: one complete fetched window is one immutable zstd Parquet file, written aside, synced, then renamed.

``raw/<table>/shop=<shop>/<api>/<start>_<end>_<fetched>.parquet``: the name carries the ledger's key, so what has landed is
known from a listing. Only allow-listed bodies reach this module (``platforms``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from orders_pipeline.platforms.base import Page, RawTable

ZSTD_LEVEL = 1
"""84 MB of pages cost 0.18 CPU s at level 1 and 0.28 at the usual 3, for files that are 5 % larger."""

Span = tuple[datetime, datetime]
"""Start and end of what was read; equal where a single answer (an order, a snapshot) covers no interval."""

_STAMP = "%Y%m%dT%H%M%S.%fZ"

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


@dataclass(frozen=True, slots=True, order=True)
class LandedFile:
    """A file of the raw zone and the ledger key that its name carries."""

    api: str
    window_start: datetime
    window_end: datetime
    fetched_at: datetime
    path: Path
    size: int = 0  # bytes

    @property
    def key(self) -> tuple[str, datetime, datetime, datetime]:
        """(api, window_start, window_end, fetched_at), as in ``ops.sync_windows`` of one shop."""
        return self.api, self.window_start, self.window_end, self.fetched_at


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
        self._con = duckdb.connect(":memory:", config={"threads": 1})

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
        while (path := folder / _name(span, fetched_at)).exists():
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
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            os.rename(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the name, too, must survive a power cut before the window may be called landed
        finally:
            os.close(folder)

    def files(self, table: RawTable, shop: str) -> Iterator[LandedFile]:
        """Every landed file of a shop's raw table, in no particular order."""
        root = self._raw / table / f"shop={shop}"
        for folder in root.iterdir() if root.is_dir() else ():
            for entry in os.scandir(folder):
                if entry.name.endswith(".parquet"):
                    start, end, fetched = (_instant(part) for part in entry.name.removesuffix(".parquet").split("_"))
                    yield LandedFile(folder.name, start, end, fetched, Path(entry.path), entry.stat().st_size)


def _name(span: Span, fetched_at: datetime) -> str:
    return "_".join(_stamp(instant) for instant in (*span, fetched_at)) + ".parquet"


def _stamp(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime(_STAMP)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)  # 30 times as fast as strptime, and a shop gains some 600 files a day
