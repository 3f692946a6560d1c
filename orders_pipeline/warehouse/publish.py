"""Copies of the warehouse for readers: ``published/orders-<number>.duckdb``, mode 0444, and the link to the newest.

Readers open the link with plain ``duckdb.connect(path, read_only=True)`` and never retry. That holds because

- a version is complete, synced and never changed before the link points to it, and the swap of the link is one rename;
- it is copied when the warehouse is closed and has no write-ahead log, so it needs no recovery, and none is beside the link;
- duckdb resolves the link anew for each of the few times it opens the file while connecting. Each of them finds a whole
  version, as a superseded one stays for SUPERSEDED_SECONDS; once open, a version may be unlinked.

Everything here runs under the writer's lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from time import perf_counter

from orders_pipeline.clock import Clock, shop_day
from orders_pipeline.settings import DataFolder, UserError
from orders_pipeline.warehouse.open import open_memory
from orders_pipeline.warehouse.session import log_of, settle

MIN_INTERVAL_SECONDS = 1.0
"""Nobody reads fresher than a second, and a busy back-fill commits several times a second."""

_TICK = 1e-6
"""Seconds: the finest step of a datetime. Waiting for less moves no clock, and a stepped one would be waited on for ever."""

COPY_SHARE = 20
"""At most a twentieth of the time goes into copying, however large the file grows."""

SUPERSEDED_SECONDS = 30.0
"""How long a version outlives its successor. Between resolving the link and opening lie microseconds, on an overloaded
machine perhaps a second; at a copy's speed and share, 30 s of versions are a few files or a few copies' worth of disk."""

KEPT_VERSIONS = 3
"""Versions that stay whatever their age: a reader that was told a name, e.g. in a run's metadata, finds the recent ones."""

FICLONE = 0x40049409
"""Linux ioctl number of a reflink (include/uapi/linux/fs.h); XFS and Btrfs know it, ext4 answers EOPNOTSUPP."""


@dataclass(frozen=True, slots=True)
class Published:
    """One copy that was made."""

    number: int
    bytes: int
    seconds: float  # what the copy took
    published_at: datetime
    reflink: bool
    day: str = ""  # in Shanghai, which the next two count
    day_copies: int = 0
    day_bytes: int = 0  # written to disk: a reflink writes next to nothing

    @property
    def interval(self) -> float:
        """Seconds before the next copy may be made."""
        return max(MIN_INTERVAL_SECONDS, COPY_SHARE * self.seconds)

    def written_on(self, day: date) -> tuple[int, int]:
        """Copies made on a day of Shanghai and the bytes written for them, where it is this copy's day or a later one."""
        return (self.day_copies, self.day_bytes) if self.day == day.isoformat() else (0, 0)


class Publisher:
    """Publishes one data folder."""

    def __init__(self, folder: DataFolder, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._state = folder.versions / "state.json"

    def last(self) -> Published | None:
        """The newest copy, None before the first."""
        state = self._read()
        return state[0] if state else None

    def is_behind(self) -> bool:
        """Whether the warehouse has changed since the newest copy."""
        state = self._read()
        return self._folder.warehouse.exists() and (
            state is None
            or state[1] != _stamp(self._folder.warehouse)
            or log_of(self._folder.warehouse).exists()
            or not self._folder.published.exists()
        )

    def wait_seconds(self) -> float:
        """How long until the next copy is due."""
        last = self.last()
        if last is None or not self._folder.published.exists():
            return 0.0
        since = (self._clock.now() - last.published_at).total_seconds()
        if since < 0:  # the clock was set back: the old mark says nothing, and waiting for it could take for ever
            return 0.0
        left = last.interval - since
        return left if left >= _TICK else 0.0

    def publish(self) -> Published:
        """Copy the closed warehouse and point the link at the copy. Raises UserError where the disk refuses."""
        source = self._folder.warehouse
        if log_of(source).exists():  # a writer was killed after its commit
            settle(source, open_memory(self._folder.root / "spill"))
        stamp = _stamp(source)
        number = max((_number(version) for version in self._versions()), default=0) + 1
        version = self._folder.versions / f"orders-{number:08d}.duckdb"
        temporary = version.with_suffix(".tmp")
        begun = perf_counter()
        try:
            reflink = _copy(source, temporary)
            seconds = perf_counter() - begun
            temporary.chmod(0o444)
            now = self._clock.now()
            os.utime(temporary, (now.timestamp(), now.timestamp()))
            temporary.rename(version)
            link = self._folder.versions / "link.tmp"
            link.unlink(missing_ok=True)
            link.symlink_to(os.path.relpath(version, self._folder.published.parent))
            link.rename(self._folder.published)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise UserError(
                f"The warehouse is written, but its copy for readers in {self._folder.versions} could not be made "
                f"({error.strerror}): free space or mend permissions, then run again."
            ) from None
        size, last, day = version.stat().st_size, self.last(), shop_day(now).isoformat()
        copies, written = (last.day_copies, last.day_bytes) if last and last.day == day else (0, 0)
        written += 0 if reflink else size
        published = Published(number, size, seconds, now, reflink, day, copies + 1, written)
        self._write(published, stamp)
        self._retire(now)
        return published

    def remove_superseded(self) -> None:
        """Remove every copy but the newest: what they still hold has been purged."""
        for version in self._versions()[:-1]:
            version.unlink(missing_ok=True)

    def _versions(self) -> list[Path]:
        return sorted(self._folder.versions.glob("orders-*.duckdb"), key=_number)

    def _retire(self, now: datetime) -> None:
        """Remove versions whose successor has stood long enough."""
        versions = self._versions()
        for version, successor in pairwise(versions[: 1 - KEPT_VERSIONS]):
            if now.timestamp() - successor.stat().st_mtime >= SUPERSEDED_SECONDS:
                version.unlink(missing_ok=True)
        for left_over in self._folder.versions.glob("*.tmp"):  # of a publisher that was killed; we hold its lock now
            left_over.unlink(missing_ok=True)

    def _read(self) -> tuple[Published, list[int]] | None:
        try:
            state = json.loads(self._state.read_text())
            stamp = state.pop("stamp")
            state["published_at"] = datetime.fromisoformat(state["published_at"])
            return Published(**state), stamp
        except (OSError, ValueError, KeyError, TypeError):  # absent, or cut by a power failure: publish again
            return None

    def _write(self, published: Published, stamp: list[int]) -> None:
        state = asdict(published) | {"published_at": published.published_at.astimezone(UTC).isoformat(), "stamp": stamp}
        temporary = self._state.with_suffix(".json.tmp")
        temporary.write_text(json.dumps(state))
        temporary.replace(self._state)


def _stamp(file: Path) -> list[int]:
    """What tells one state of a closed file from another: it changes with every commit."""
    status = file.stat()
    return [status.st_mtime_ns, status.st_size, status.st_ino]


def _number(version: Path) -> int:
    return int(version.stem.removeprefix("orders-"))


def _copy(source: Path, target: Path) -> bool:
    """Copy by reflink where the file system can, else byte by byte; synced to disk. True for a reflink."""
    with source.open("rb") as reader, target.open("wb") as writer:
        reflink = False
        with contextlib.suppress(OSError):  # another file system, or one without reflinks
            fcntl.ioctl(writer.fileno(), FICLONE, reader.fileno())
            reflink = True
        if not reflink:
            shutil.copyfileobj(reader, writer, 1 << 20)
        writer.flush()
        os.fsync(writer.fileno())
    return reflink
