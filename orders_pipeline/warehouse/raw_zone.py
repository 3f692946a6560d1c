"""What lies in the raw zone, by the names of its files: windows as they landed, and days whose small files were joined.

``raw/<table>/shop=<shop>/<api>/<start>_<end>_<fetched>.parquet`` is one window; its name carries the ledger's key.
``joined_<day>_<windows>_<checksum>.parquet`` beside it holds the same rows of many windows that were fetched on one day. A
file that a joined one holds may still lie there; in the end it is a symbolic link, which nobody lists. Writing a window is
``sync/landing.py``'s business, joining is ``compact.py``'s.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from orders_pipeline.clock import shop_day
from orders_pipeline.warehouse.schema import RAW_TABLES, quoted

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_STAMP = "%Y%m%dT%H%M%S.%fZ"
_JOINED = "joined"

Key = tuple[str, datetime, datetime, datetime]
"""(api, window_start, window_end, fetched_at), as in ``ops.sync_windows`` of one shop."""

_KEYS = """
SELECT DISTINCT filename, api, epoch_us(window_start), epoch_us(window_end), epoch_us(fetched_at)
FROM read_parquet([{files}], filename = true, hive_partitioning = false)
"""


@dataclass(frozen=True, slots=True, order=True)
class LandedFile:
    """A window of the raw zone: its ledger key and the file that holds it, alone or with others."""

    api: str
    window_start: datetime
    window_end: datetime
    fetched_at: datetime
    path: Path
    size: int = 0  # bytes of the file

    @property
    def key(self) -> Key:
        return self.api, self.window_start, self.window_end, self.fetched_at


@dataclass(frozen=True, slots=True)
class JoinedFile:
    """Windows of one API that were fetched on one day, in one file. ``total``: by it the ledger shows that it knows them."""

    api: str
    day: date
    total: Total
    path: Path
    size: int = 0  # bytes


@dataclass(frozen=True, slots=True)
class Total:
    """How many windows, and the sum of their fetch times in microseconds since 1970."""

    windows: int = 0
    micros: int = 0

    def __add__(self, other: Total) -> Total:
        return Total(self.windows + other.windows, self.micros + other.micros)

    @classmethod
    def of(cls, fetched: Iterable[datetime]) -> Total:
        """Of windows that were fetched at these instants."""
        micros = [(at - EPOCH) // timedelta(microseconds=1) for at in fetched]
        return cls(len(micros), sum(micros))


def window_name(start: datetime, end: datetime, fetched_at: datetime) -> str:
    """The name of one window's file."""
    return "_".join(instant.astimezone(UTC).strftime(_STAMP) for instant in (start, end, fetched_at)) + ".parquet"


def joined_name(day: date, total: Total) -> str:
    """The name of a file of several windows."""
    return f"{_JOINED}_{day:%Y%m%d}_{total.windows}_{total.micros}.parquet"


def folders(raw: Path, table: str, shop: str = "*") -> list[Path]:
    """The folders of a raw table that hold files: one for each API of a shop."""
    return sorted(folder for folder in (raw / table).glob(f"shop={shop}/*") if folder.is_dir())


def windows_in(folder: Path) -> Iterator[LandedFile]:
    """The files of one window each, also those that a joined file holds, in no particular order."""
    for entry in os.scandir(folder):
        parts = entry.name.removesuffix(".parquet").split("_")
        if entry.name.endswith("Z.parquet") and len(parts) == 3 and not entry.is_symlink():
            # fromisoformat: 30 times as fast as strptime, and a shop gains some 600 files a day
            start, end, fetched = map(datetime.fromisoformat, parts)
            with suppress(FileNotFoundError):  # joined, and just removed
                yield LandedFile(folder.name, start, end, fetched, Path(entry.path), entry.stat().st_size)


def links_in(folder: Path) -> Iterator[Path]:
    """Small files that a joined one has replaced, still there for queries that were told of them before."""
    for entry in os.scandir(folder):
        if entry.is_symlink() and entry.name.endswith("Z.parquet"):
            yield Path(entry.path)


def joined_in(folder: Path) -> Iterator[JoinedFile]:
    """The files of several windows."""
    for entry in os.scandir(folder):
        if entry.name.startswith(_JOINED) and entry.name.endswith(".parquet"):
            _, day, windows, micros = entry.name.removesuffix(".parquet").split("_")
            total = Total(int(windows), int(micros))
            with suppress(FileNotFoundError):
                yield JoinedFile(folder.name, date.fromisoformat(day), total, Path(entry.path), entry.stat().st_size)


def windows_of(con: duckdb.DuckDBPyConnection, files: Iterable[JoinedFile]) -> list[LandedFile]:
    """The windows that joined files hold, read from them."""
    sizes = {str(file.path): file.size for file in files}
    if not sizes:
        return []
    rows = con.execute(_KEYS.format(files=", ".join(map(quoted, sizes)))).fetchall()
    return [LandedFile(*key_of(api, *micros), Path(name), sizes[name]) for name, api, *micros in rows]


def key_of(api: str, *micros: int) -> Key:
    """A key from its instants in microseconds since 1970: as TIMESTAMPTZ each would cost Python 15 µs."""
    start, end, fetched_at = (EPOCH + timedelta(microseconds=at) for at in micros)
    return api, start, end, fetched_at


def held_by_joined(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[Path, list[LandedFile]]:
    """Joined file -> the files of a folder that lie there still although it holds their windows."""
    alone: dict[str, LandedFile] = {}
    days: set[date] = set()
    joined = list(joined_in(folder))
    for file in windows_in(folder) if joined else ():
        alone[file.path.name] = file
        days.add(shop_day(file.fetched_at))
    found: defaultdict[Path, list[LandedFile]] = defaultdict(list)
    for window in windows_of(con, [file for file in joined if file.day in days]):
        name = window_name(window.window_start, window.window_end, window.fetched_at)
        if name in alone:
            found[window.path].append(alone[name])
    return found


def sources(con: duckdb.DuckDBPyConnection, raw: Path, tables: Iterable[str] = RAW_TABLES) -> list[Path]:
    """Files that together hold every window once, in order of their paths."""
    found: list[Path] = []
    for table in tables:
        for folder in folders(raw, table):
            held = {file.path for files in held_by_joined(con, folder).values() for file in files}
            files = (Path(entry.path) for entry in os.scandir(folder) if not entry.is_symlink())
            found += sorted(path for path in files if path.suffix == ".parquet" and path not in held)
    return found


def window_count(file: Path) -> int:
    """How many windows a file holds, by its name."""
    return int(file.name.split("_")[2]) if file.name.startswith(_JOINED) else 1
