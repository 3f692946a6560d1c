"""When a change became visible to readers: watches the published copy as a reader would and matches it with the changes."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb

from orders_pipeline.bench.platform import Change
from orders_pipeline.settings import DataFolder

LOOK_SECONDS = 0.02
"""How often the link is looked at; the instant that counts is the copy's own time, so this adds nothing to a latency."""

_VERSIONS = "SELECT shop, order_id, modified_at FROM core.orders WHERE modified_at >= ?::TIMESTAMPTZ"


@dataclass(frozen=True, slots=True)
class Seen:
    """A change and when a reader could first see it or a later version of the order."""

    change: Change
    visible_at: datetime

    @property
    def latency(self) -> float:
        """Seconds."""
        return (self.visible_at - self.change.at).total_seconds()


class Watch:
    """Follows the published copy from a thread while the ``with`` block runs."""

    def __init__(self, folder: DataFolder, changes: list[Change]) -> None:
        self._folder = folder
        self._changes = changes  # grows while the platform lives
        self._taken = 0
        self.pending: list[Change] = []
        self.seen: list[Seen] = []
        self.copies = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="watch", daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def oldest_seconds(self) -> float:
        """How long the oldest change has been on its way."""
        waiting = [change.at for change in self.pending]
        return (datetime.now(UTC) - min(waiting)).total_seconds() if waiting else 0.0

    def _follow(self) -> None:
        last = None
        while not self._stopped.wait(LOOK_SECONDS):
            self.pending += self._changes[self._taken :]
            self._taken += len(self._changes[self._taken :])
            version = self._folder.published.resolve()
            if version == last:
                continue
            last = version
            self.copies += 1
            if self.pending:
                visible_at = datetime.fromtimestamp(version.stat().st_mtime, UTC)
                self._match(visible_at, str(version))

    def _match(self, visible_at: datetime, file: str) -> None:
        oldest = min(change.at for change in self.pending) - timedelta(seconds=1)
        with duckdb.connect(file, read_only=True, config={"threads": 1}) as con:
            rows = con.execute(_VERSIONS, [oldest.isoformat()]).fetchall()
        stored = {(shop, order_id): at for shop, order_id, at in rows}
        waiting = []
        for change in self.pending:
            at = stored.get((change.shop, change.order_id))
            if at is not None and at >= change.at:
                self.seen.append(Seen(change, visible_at))
            else:
                waiting.append(change)
        self.pending = waiting
