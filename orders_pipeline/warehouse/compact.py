"""Joins the small raw files of a day into one, in four steps of which each waits for the next daily run.

1. The joined file is written and hidden: the views over the raw zone show the small ones.
2. After GRACE it is compared with the small files and takes their place, by one new list of hidden files (``hidden.py``).
3. After GRACE again the small files, of which nobody has been shown a row since, are compared once more, moved to
   ``raw/leaving`` and replaced by symbolic links: no query lists them any more, and one that has can open them.
4. After GRACE once more both are removed.

So a query that is begun at any time sees every row once, and every file that it was told of is there for GRACE at least. Killed
anywhere, what is shown stays right, and the next run goes on. Only windows that the ledger knows are joined. Everything runs
under the lock of ``rebuild`` and ``purge``.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

from orders_pipeline.clock import Clock, shop_day
from orders_pipeline.settings import DataFolder
from orders_pipeline.warehouse import hidden, raw_zone
from orders_pipeline.warehouse.lock import writer_lock
from orders_pipeline.warehouse.open import open_memory
from orders_pipeline.warehouse.raw_zone import Key, LandedFile, Total
from orders_pipeline.warehouse.schema import RAW_TABLES, quoted

GRACE = timedelta(hours=12)
"""Longer than any query over raw pages, or any one run of a backup, takes; shorter than the day between two runs."""

PAUSE_SECONDS = 30.0
"""Between hiding a name and giving it to a file. A query lists the files and the hidden ones within milliseconds of each other,
on an overloaded machine perhaps a second."""

SMALL_BYTES = 1_000_000
"""A window of this size holds some 5,000 orders; a shop gets few of them, and joining them would save nothing."""

JOINED_BYTES, JOINED_JSON = 4_000_000, 45_000_000
"""Most bytes of the small files and of their bodies in a joined one: what a rebuild stages at once (``rebuild.BATCH_BYTES``)."""

MOST_WINDOWS = 50_000
"""That one run joins, at some 4 ms each: what eighty shops bring in a day. Years of small files take a run for each 80 days of a
shop, and a kill costs minutes."""

ZSTD_LEVEL = 3
"""DuckDB's usual one: written once, kept for ever."""

_APPLIED = """
SELECT epoch_us(window_start), epoch_us(window_end), epoch_us(fetched_at) FROM ops.sync_windows WHERE shop = ? AND api = ?
"""

_HELD = """
SELECT filename, api, epoch_us(window_start), epoch_us(window_end), epoch_us(fetched_at), sum(strlen(body))::BIGINT
FROM read_parquet([{files}], hive_partitioning = false, union_by_name = true, filename = true) GROUP BY ALL
"""

_JOIN = """
COPY (FROM read_parquet([{files}], hive_partitioning = false, union_by_name = true))
TO {path} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {level})
"""

_DIFFERENT = """
WITH joined AS (FROM read_parquet({joined}, hive_partitioning = false)),
alone AS (
  (FROM joined LIMIT 0)  -- files of older versions have fewer columns
  UNION ALL BY NAME FROM read_parquet([{files}], hive_partitioning = false, union_by_name = true)),
same AS (FROM joined SEMI JOIN alone USING (api, window_start, window_end, fetched_at))
SELECT EXISTS ((FROM alone EXCEPT ALL FROM same) UNION ALL (FROM same EXCEPT ALL FROM alone))
"""


@dataclass(frozen=True, slots=True)
class CompactReport:
    """What one run did."""

    windows: int = 0  # whose files were joined, and wait to be shown
    joined: int = 0  # files that hold them
    shown: int = 0  # joined files that took the place of small ones
    leaving: int = 0  # small files that are listed no more
    removed: int = 0  # small files
    unlike: int = 0  # joined files that were not as the small ones, which stay: a fault of the disk or of the program

    def __add__(self, other: CompactReport) -> CompactReport:
        return CompactReport(
            self.windows + other.windows,
            self.joined + other.joined,
            self.shown + other.shown,
            self.leaving + other.leaving,
            self.removed + other.removed,
            self.unlike + other.unlike,
        )


@dataclass(frozen=True, slots=True)
class _Written:
    """A joined file that has no name yet."""

    table: str
    temporary: Path
    path: Path
    windows: int


Progress = Callable[[str, int, int], None]


def compact_folder(
    folder: DataFolder, clock: Clock, copy: duckdb.DuckDBPyConnection, progress: Progress
) -> CompactReport:
    """One step for every file that is due. ``copy`` is a published copy, whose ledger says what is applied.

    Raises UserError where a rebuild, a purge or another compaction is at work; OSError, duckdb.Error where the disk refuses.
    """
    raw, report = folder.raw, CompactReport()
    with (
        writer_lock(folder.locks / "rebuild.lock", "compact", clock),
        open_memory(folder.root / "spill") as con,
    ):
        for table in RAW_TABLES:
            report += advance(con, raw, table, clock.now(), GRACE)
        written: list[_Written] = []
        places = [(table, api) for table in RAW_TABLES for api in raw_zone.folders(raw, table)]
        try:
            for done, (table, api) in enumerate(places, start=1):
                for left_over in api.glob(".*.compact.tmp"):  # of a compaction that was killed
                    left_over.unlink()
                for files in _groups(con, api, _applied(copy, api), shop_day(clock.now())):
                    if sum(file.windows for file in written) >= MOST_WINDOWS:
                        break
                    written.append(_join(con, table, api, files))
                progress("raw files", done, len(places))
            _hide(con, raw, written, clock.now())
            if written:
                clock.sleep(PAUSE_SECONDS)
            for file in written:
                hidden.place(file.temporary, file.path)
        finally:
            for file in written:
                file.temporary.unlink(missing_ok=True)
    return report + CompactReport(windows=sum(file.windows for file in written), joined=len(written))


def finish(con: duckdb.DuckDBPyConnection, raw: Path, now: datetime) -> None:
    """Every step at once, grace or not: afterwards each row lies in one file. For a purge, which must find each of them."""
    for table in RAW_TABLES:
        for _ in ("show", "replace by links", "remove"):
            advance(con, raw, table, now, timedelta())


def advance(con: duckdb.DuckDBPyConnection, raw: Path, table: str, now: datetime, grace: timedelta) -> CompactReport:
    """Take the next step with every file whose time has come. What is hidden follows from what lies there, so a list that was
    lost, or that names files that are gone, is mended: a small file is hidden only where a joined one shows its rows."""
    before = hidden.read(con, raw, table)
    after: dict[str, datetime] = {}
    broken: list[Path] = []
    leave: list[Path] = []
    remove: list[Path] = []
    shown = 0

    def name(path: Path) -> str:
        return path.relative_to(raw / table).as_posix()

    def since(path: Path) -> datetime:
        return min(before.get(name(path), now), now)  # a clock that was set back must keep no file for the time between

    def is_due(path: Path) -> bool:
        return name(path) in before and now - since(path) >= grace

    def hide(*paths: Path) -> None:
        after.update({name(path): since(path) for path in paths})

    for api in raw_zone.folders(raw, table):
        held = raw_zone.held_by_joined(con, api)
        for link in raw_zone.links_in(api):
            hide(link)  # which says since when it is a link
            remove += [link] if is_due(link) else []
        for joined in raw_zone.joined_in(api):
            alone = [file.path for file in held.get(joined.path, ())]
            is_hidden = name(joined.path) in before
            due = [path for path in ([joined.path] if is_hidden else alone) if is_due(path)]
            if due and alone and _differ(con, joined.path, alone):
                hide(joined.path)
                broken.append(joined.path)
            elif is_hidden and not due:
                hide(joined.path)
            else:
                hide(*alone)
                shown += is_hidden
                leave += [] if is_hidden else due
    after |= {name(path): now for path in leave}
    if after != before:
        hidden.write(con, raw, table, after)
    for path in leave:
        _replace_by_link(path, raw / "leaving" / table / name(path))
    for path in remove:
        target = path.parent / path.readlink()
        path.unlink()
        target.unlink(missing_ok=True)
    for path in broken:  # at once: a query that was told of it fails, which is better than what it would show
        path.unlink()
    return CompactReport(shown=shown, leaving=len(leave), removed=len(remove), unlike=len(broken))


def _replace_by_link(path: Path, target: Path) -> None:
    """Move a file, and leave a link in its place: at every moment its name can be opened."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.compact.tmp")
    for left_over in (target, temporary):  # of a run that was killed
        left_over.unlink(missing_ok=True)
    target.hardlink_to(path)
    temporary.symlink_to(os.path.relpath(target, path.parent))
    temporary.rename(path)


def _differ(con: duckdb.DuckDBPyConnection, joined: Path, alone: Sequence[Path]) -> bool:
    query = _DIFFERENT.format(joined=quoted(joined), files=", ".join(map(quoted, alone)))
    return con.execute(query).fetchone() != (False,)


def _hide(con: duckdb.DuckDBPyConnection, raw: Path, written: Iterable[_Written], now: datetime) -> None:
    names: defaultdict[str, dict[str, datetime]] = defaultdict(dict)
    for file in written:
        names[file.table][file.path.relative_to(raw / file.table).as_posix()] = now
    for table, more in names.items():
        hidden.write(con, raw, table, hidden.read(con, raw, table) | more)


def _applied(copy: duckdb.DuckDBPyConnection, api: Path) -> set[Key]:
    rows = copy.execute(_APPLIED, [api.parent.name.removeprefix("shop="), api.name]).fetchall()
    return {raw_zone.key_of(api.name, *row) for row in rows}


def _groups(con: duckdb.DuckDBPyConnection, api: Path, applied: set[Key], today: date) -> Iterator[list[LandedFile]]:
    """Files that become one: applied windows that were fetched on one day before today, oldest first."""
    days: defaultdict[date, list[LandedFile]] = defaultdict(list)
    for file in raw_zone.windows_in(api):
        if file.size <= SMALL_BYTES and file.key in applied and shop_day(file.fetched_at) < today:
            days[shop_day(file.fetched_at)].append(file)
    held = {file.path for files in raw_zone.held_by_joined(con, api).values() for file in files} if days else set()
    for _, files in sorted(days.items()):
        free = [file for file in files if file.path not in held]
        for part in _parts(con, free) if len(free) > 1 else ():
            if len(part) > 1:
                yield part


def _parts(con: duckdb.DuckDBPyConnection, files: Iterable[LandedFile]) -> Iterator[list[LandedFile]]:
    """Files in parts of at most JOINED_BYTES and JOINED_JSON, without those that do not hold the window of their name alone."""
    by_path = {str(file.path): file for file in sorted(files, key=lambda file: (file.fetched_at, file.path))}
    found: defaultdict[str, list[tuple[Key, int]]] = defaultdict(list)
    for path, api, start, end, fetched_at, json in con.execute(
        _HELD.format(files=", ".join(map(quoted, by_path)))
    ).fetchall():
        found[path].append((raw_zone.key_of(api, start, end, fetched_at), json))
    part: list[LandedFile] = []
    size = json = 0
    for path, file in by_path.items():
        if [key for key, _ in found[path]] != [file.key]:
            continue
        ((_, more),) = found[path]
        if part and (size + file.size > JOINED_BYTES or json + more > JOINED_JSON):
            yield part
            part, size, json = [], 0, 0
        part.append(file)
        size, json = size + file.size, json + more
    if part:
        yield part


def _join(con: duckdb.DuckDBPyConnection, table: str, api: Path, files: Sequence[LandedFile]) -> _Written:
    """Write the files' rows, in their order, beside them under a temporary name."""
    day = shop_day(files[0].fetched_at)
    path = api / raw_zone.joined_name(day, Total.of(file.fetched_at for file in files))
    temporary = api / f".{path.name}.compact.tmp"
    names = ", ".join(quoted(file.path) for file in files)
    try:
        con.execute(_JOIN.format(files=names, path=quoted(temporary), level=ZSTD_LEVEL))
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return _Written(table, temporary, path, len(files))
