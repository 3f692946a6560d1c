"""The one way to write the warehouse and to read its published copy. What is written is others' business."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import duckdb

from orders_pipeline.clock import Clock, SystemClock
from orders_pipeline.settings import DataFolder, UserError
from orders_pipeline.warehouse.compact import CompactReport, compact_folder
from orders_pipeline.warehouse.lock import writer_lock
from orders_pipeline.warehouse.open import open_copy, open_memory
from orders_pipeline.warehouse.publish import Published, Publisher
from orders_pipeline.warehouse.purge import PurgeReport, preview, purge_folder
from orders_pipeline.warehouse.rebuild import rebuild_file
from orders_pipeline.warehouse.report import ApplyReport
from orders_pipeline.warehouse.session import session
from orders_pipeline.warehouse.stage import Stage
from orders_pipeline.warehouse.upsert import upsert

Also = Callable[[duckdb.DuckDBPyConnection], None]
"""More to write in the transaction of an apply."""

Progress = Callable[[int, int], None]


class Warehouse:
    """The warehouse of one data folder. Cheap to make; nothing stays open between calls."""

    def __init__(self, folder: DataFolder, clock: Clock | None = None) -> None:
        self._folder = folder
        self._clock = clock or SystemClock()
        self._publisher = Publisher(folder, self._clock)
        self._lock = folder.locks / "warehouse.lock"
        self._spill = folder.root / "spill"
        self._held_until: datetime | None = None

    def hold_copies(self, until: datetime) -> None:
        """Writes before ``until`` make no copy for readers: who writes several times in a row flushes after the last, and a
        copy of the first would only put that off."""
        self._held_until = until

    def prepare(self) -> None:
        """Make the folders, the file and the newest schema, and a first copy for readers. Changes nothing when done."""
        self._folder.create()
        with self.write("prepare"):
            pass
        self.flush()

    @contextmanager
    def write(self, holder: str, *, stage: Stage | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """One transaction under the writer's lock, the warehouse as default catalog; then publish if that is due.

        With ``stage`` the connection is the stage's own, its rows in the catalog ``memory``. ``holder`` is what others
        are told while they wait. An exception rolls back. Raises UserError when the lock is held for a minute, or the
        file was written by newer code; RuntimeError inside another write of this thread.
        """
        with writer_lock(self._lock, holder, self._clock):
            con = stage.con if stage else open_memory(self._spill)
            with session(con, self._folder.warehouse, self._folder.raw.resolve()):
                yield con
            held = self._held_until is not None and self._clock.now() < self._held_until
            if not held and self._publisher.is_behind() and self._publisher.wait_seconds() == 0.0:
                self._publisher.publish()

    @contextmanager
    def read(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection to the newest published copy. Raises UserError where there is none yet."""
        link = self._folder.published
        try:
            file = link.resolve(strict=True)
        except FileNotFoundError:
            raise UserError(f"There is no {link} yet: run `orders-pipeline sync` first.") from None
        with open_copy(file, self._spill) as con:
            yield con

    def flush(self) -> Published | None:
        """Publish what has changed since the newest copy, once its interval has passed; None where nothing has."""
        while self._publisher.is_behind():
            self._clock.sleep(self._publisher.wait_seconds())
            with writer_lock(self._lock, "publish", self._clock):
                # another process may have published, or written again, meanwhile
                if self._publisher.is_behind() and self._publisher.wait_seconds() == 0.0:
                    return self._publisher.publish()
        return None

    def last_published(self) -> Published | None:
        """The newest copy: when it was made, its size and what the copy took."""
        return self._publisher.last()

    def apply(self, files: Sequence[Path], *, holder: str, also: Also | None = None) -> ApplyReport:
        """Raw files of closed windows -> tables and ledger, one transaction. Applying a file again changes nothing.

        Rows that cannot be mapped go to ``ops.quarantine``, the rest lands; codes without a meaning land as ``unknown``.
        """
        return self._apply(files, holder, also, with_ledger=True)

    def apply_tail(self, files: Sequence[Path], *, holder: str, also: Also | None = None) -> ApplyReport:
        """As ``apply``, without ledger rows: what was read past the last closed window."""
        return self._apply(files, holder, also, with_ledger=False)

    def apply_again(self, files: Sequence[Path], *, holder: str, also: Also | None = None) -> ApplyReport:
        """Files that the ledger knows, by the mapping as it is now: what it can read leaves ``ops.quarantine``."""
        if not files:
            return self._apply(files, holder, also, with_ledger=False)
        with Stage(files, self._spill) as stage:
            facts = stage.facts()
            with self.write(holder, stage=stage) as con:
                con.execute(
                    "DELETE FROM ops.quarantine AS q USING memory.staged.windows AS w WHERE q.shop = w.shop AND q.api = w.api "
                    "AND q.window_start = w.window_start AND q.window_end = w.window_end AND q.fetched_at = w.fetched_at"
                )
                rows = upsert(con, facts.filled, self._clock.now(), with_ledger=False)
                if also:
                    also(con)
        return ApplyReport.of(rows, facts)

    def _apply(self, files: Sequence[Path], holder: str, also: Also | None, *, with_ledger: bool) -> ApplyReport:
        if not files:
            if also:
                with self.write(holder) as con:
                    also(con)
            return ApplyReport()
        with Stage(files, self._spill) as stage:
            facts = stage.facts()
            with self.write(holder, stage=stage) as con:
                rows = upsert(con, facts.filled, self._clock.now(), with_ledger=with_ledger)
                if also:
                    also(con)
        return ApplyReport.of(rows, facts)

    def rebuild(self, progress: Progress = lambda _done, _all: None) -> ApplyReport:
        """The warehouse anew from ``raw/``, beside the old one, which stays in use until the new one takes its place.

        What ``raw/`` cannot give (forecasts, suggestions, reconciliations, incidents, the call log) is carried over where
        the old file can be read. ``progress`` is told files done and files in all.
        """
        self._folder.create()
        report = rebuild_file(self._folder, self._clock, self._lock, self._publisher, progress)
        self.flush()
        return report

    def compact(self, progress: Callable[[str, int, int], None] = lambda _what, _done, _all: None) -> CompactReport:
        """Join the small raw files of past days, a step a day: ``compact.py``. ``progress`` is told what, done and in all.

        Raises UserError where a rebuild, a purge or another compaction is at work.
        """
        if not self._folder.published.exists():
            return CompactReport()  # nothing was ever applied
        self.prepare()  # views of an older version would show rows twice
        with self.read() as copy:
            return compact_folder(self._folder, self._clock, copy, progress)

    def preview_purge(self, kept_from: date) -> PurgeReport:
        """What ``purge`` would take, by the published copy. Changes nothing; raises UserError where there is no copy."""
        with self.read() as con:
            return preview(con, self._folder, kept_from)

    def purge(
        self, kept_from: date, progress: Callable[[str, int, int], None] = lambda _what, _done, _all: None
    ) -> PurgeReport:
        """Remove what is about single orders that did not change since ``kept_from`` began: rows, raw files, older copies.

        Daily sums stay. ``progress`` is told what, done and in all. Raises UserError where a lock is held.
        """
        return purge_folder(self._folder, self._clock, self._lock, self._publisher, kept_from, progress)
