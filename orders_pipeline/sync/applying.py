"""From landed files to tables: landed windows that the ledger does not know yet, and the tail, which it never knows."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import duckdb

from orders_pipeline.clock import shop_day
from orders_pipeline.platforms.base import FeedName, RawTable, Window
from orders_pipeline.sync.context import Context
from orders_pipeline.sync.drift import export_drift
from orders_pipeline.sync.incidents import close_for_read_since, open_for_unknown_codes, tell_of_quarantine
from orders_pipeline.sync.window_read import rows_of
from orders_pipeline.warehouse import ApplyReport, mapping_version
from orders_pipeline.warehouse.raw_zone import Key, LandedFile

BYTES_A_TRANSACTION = 10_000_000
"""Of compressed files: about 60,000 orders, six minutes of the usual quota, which are staged in about 250 MB and hold the lock
for about a second. Two transactions of half the size cost 0.25 CPU s more: a commit compresses the last rows stored anew."""

TAIL_OVERLAP = timedelta(seconds=10)
"""The platform stamps whole seconds and commits shortly after: the tail re-reads that much."""

TAIL_FEEDS = (FeedName.ORDERS_BY_MODIFIED, FeedName.REFUNDS_BY_MODIFIED)

_REJECTED = "SELECT 1 FROM memory.staged.rejected UNION ALL SELECT 1 FROM late_rejected LIMIT 1"
"""Rows of this transaction that are in no table: by the stage, and by what is stored."""

LONGEST_TAIL = timedelta(hours=2)
"""Where closed windows are further behind than this, the tail does not try to bridge the gap: the holes come first."""


@dataclass(frozen=True, slots=True)
class TailReport:
    """What a tail read brought. ``versions``: of each list that was read, ids and the times at which their rows changed."""

    rows: int
    calls: int
    read_until: datetime
    versions: Mapping[FeedName, Mapping[str, datetime | None]] = field(default_factory=dict)


def apply_landed(ctx: Context, tables: Sequence[RawTable]) -> ApplyReport:
    """Apply every landed window that has no ledger row. No call to the platform; running it again changes nothing."""
    report = retry_quarantined(ctx)
    ledger = ctx.ledger()
    waiting = [file for table in tables for file in ledger.unapplied(ctx.landing, table, ctx.shop.shop)]
    done = 0
    for batch in _batches(waiting):
        report += apply_files(ctx, batch)
        done += len(batch)
        ctx.progress(f"{ctx.shop.shop}: pages to tables", done, len(waiting))
    return report


def _batches(windows: Sequence[LandedFile]) -> Iterator[list[LandedFile]]:
    """Windows of one file stay together: it is staged whole, however many of them are asked for."""
    files: defaultdict[Path, list[LandedFile]] = defaultdict(list)
    for window in windows:
        files[window.path].append(window)
    batch: list[LandedFile] = []
    size = 0
    for some in files.values():
        if batch and size + some[0].size > BYTES_A_TRANSACTION:
            yield batch
            batch, size = [], 0
        batch += some
        size += some[0].size
    if batch:
        yield batch


def _paths(windows: Sequence[LandedFile]) -> list[Path]:
    return list(dict.fromkeys(window.path for window in windows))


def apply_files(ctx: Context, files: Sequence[LandedFile]) -> ApplyReport:
    """Apply these windows in one transaction, the call log with them."""
    report = ctx.warehouse.apply(_paths(files), holder=ctx.holder, also=lambda con: _record(ctx, con))
    ctx.applied.extend(files)
    return report


def retry_quarantined(ctx: Context) -> ApplyReport:
    """Once after each change of the mapping: the raw files with rows that the one before could not read.

    The version was read with the ledger: where it has not changed, and once this run has retried, nothing is opened.
    """
    version, shop = mapping_version(), ctx.shop.shop
    if version in (ctx.retried, ctx.ledger().mapping):
        return ApplyReport()
    with ctx.warehouse.read() as con:
        windows = con.execute(
            "SELECT DISTINCT api, window_start, window_end, fetched_at FROM ops.quarantine WHERE shop = ?", [shop]
        ).fetchall()
    keys = {(api, *(instant.astimezone(UTC) for instant in instants)) for api, *instants in windows}
    found = _windows(ctx, keys)
    if not found:  # usual, on a first load always: what is applied next tells of the version
        ctx.retried = version
        return ApplyReport()

    def remember(con: duckdb.DuckDBPyConnection) -> None:
        _remember_mapping(ctx, con, version)
        tell_of_quarantine(con, shop, ctx.clock.now(), rejected=True)

    report = ApplyReport()
    *others, last = _batches(found)
    for batch in others:
        report += ctx.warehouse.apply_again(_paths(batch), holder=ctx.holder)
    report += ctx.warehouse.apply_again(_paths(last), holder=ctx.holder, also=remember)
    ctx.retried = version  # not before: what failed is tried again
    return report


def _windows(ctx: Context, keys: Collection[Key]) -> list[LandedFile]:
    """The windows of the raw zone with these keys, each from one file."""
    found: dict[Key, LandedFile] = {}
    days = {(api, shop_day(fetched_at)) for api, _, _, fetched_at in keys}
    for table in get_args(RawTable) if keys else ():
        found |= {window.key: window for window in ctx.landing.files(table, ctx.shop.shop)}
        joined = [file for file in ctx.landing.joined(table, ctx.shop.shop) if (file.api, file.day) in days]
        found |= {window.key: window for window in ctx.landing.windows_of(joined)}
    return [window for key, window in found.items() if key in keys]


def read_tail(ctx: Context, feeds: Sequence[FeedName] = TAIL_FEEDS) -> TailReport:
    """Orders and refunds from the last tail mark to now, upserted under the freshness guard, never entered in the ledger."""
    now = ctx.caller.platform_now()
    files: list[Path] = []
    marks: list[tuple[FeedName, datetime]] = []
    versions: dict[FeedName, dict[str, datetime | None]] = {}
    rows = calls = 0
    folder = ctx.folder.root / "tail"
    folder.mkdir(exist_ok=True)
    ledger = ctx.ledger()
    try:
        for name in feeds:
            feed = ctx.feed(name)
            covered = ledger.covered(feed.api)
            mark = max(
                ctx.ops.tail_mark(ctx.shop.shop, name) or now - LONGEST_TAIL,
                max((window.end for window in covered), default=now - LONGEST_TAIL),
                now - LONGEST_TAIL,
            )
            start = (mark - TAIL_OVERLAP).replace(microsecond=0)
            window = Window(start, max(now.replace(microsecond=0), start + timedelta(seconds=1)))
            read = ctx.read_tail(feed, window)
            rows, calls = rows + len(read.ids), calls + read.calls
            versions[name] = {key: at for page in read.pages for key, at in rows_of(page).items()}
            marks.append((name, min(window.end, read.pages[0].at)))  # what came while the call waited is unread
            if read.ids:
                path = folder / f"{ctx.shop.shop}-{name}-{os.getpid()}.parquet"
                ctx.landing.write(path, ctx.origin("tail"), (window.start, window.end), read.pages, now, read.calls)
                files.append(path)
        if files:
            ctx.warehouse.apply_tail(files, holder=ctx.holder, also=lambda con: _record(ctx, con))
    finally:
        for path in files:
            path.unlink(missing_ok=True)
    for name, at in marks:
        ctx.ops.set_tail_mark(ctx.shop.shop, name, at)
    return TailReport(rows, calls, now, versions)


def _record(ctx: Context, con: duckdb.DuckDBPyConnection) -> None:
    """What is stored beside the rows, in their transaction."""
    if ctx.retried:
        _remember_mapping(ctx, con, ctx.retried)
    export_calls(ctx, con)
    open_for_unknown_codes(con, ctx.shop.shop, ctx.clock.now())
    close_for_read_since(con, ctx.shop.shop, ctx.clock.now())
    tell_of_quarantine(con, ctx.shop.shop, ctx.clock.now(), rejected=con.execute(_REJECTED).fetchone() is not None)
    export_drift(ctx.ops, con, ctx.shop.shop, ctx.clock.now())


def _remember_mapping(ctx: Context, con: duckdb.DuckDBPyConnection, version: str) -> None:
    key = f"mapping:{ctx.shop.shop}"
    con.execute("DELETE FROM ops.meta WHERE key = ?", [key])
    con.execute("INSERT INTO ops.meta VALUES (?, ?)", [key, version])


def export_calls(ctx: Context, con: duckdb.DuckDBPyConnection) -> None:
    """Copy new rows of the call log into ``ops.api_calls``, inside the caller's transaction."""
    (last,) = con.execute("SELECT coalesce(max(call_id), 0) FROM ops.api_calls").fetchone() or (0,)
    calls = ctx.ops.calls_after(last)
    if calls:
        columns = [list(column) for column in zip(*calls, strict=True)]
        con.execute(
            'INSERT INTO ops.api_calls (call_id, "at", shop, api, run_id, latency_ms, outcome, code, sub_code)'
            " SELECT unnest(?), unnest(?::VARCHAR[])::TIMESTAMPTZ, unnest(?), unnest(?), unnest(?), unnest(?), unnest(?),"
            " unnest(?), unnest(?)",
            columns,
        )
