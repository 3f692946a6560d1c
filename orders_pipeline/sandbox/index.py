"""A list of ids by time, for windows read newest first.

Only the index belongs here; what the ids stand for is the store's business.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import Generic, TypeVar

K = TypeVar("K", int, str)


class TimeIndex(Generic[K]):
    """Ids by the wire time ("yyyy-MM-dd HH:mm:ss", which sorts as text) at which they stand now.

    Moving an id leaves its old entry behind: taking it out of a long list would cost more than skipping it when read.
    """

    def __init__(self) -> None:
        self._entries: list[tuple[str, K]] = []
        self._times: list[str] = []
        self._now: dict[K, str] = {}

    def put(self, key: K, time: str) -> None:
        """Place or move an id. Appends where time goes forward, inserts where a row commits late."""
        if self._now.get(key) == time:
            return
        self._now[key] = time
        if not self._times or time >= self._times[-1]:
            self._entries.append((time, key))
            self._times.append(time)
            return
        position = bisect_right(self._times, time)
        self._entries.insert(position, (time, key))
        insort(self._times, time)

    def newest_first(self, start: str, end: str, *, flip_ties: bool = False) -> list[K]:
        """The ids that stand in [start, end], both inclusive, newest first.

        Ids of one second come in no promised order: ``flip_ties`` gives the other one.
        """
        low, high = bisect_left(self._times, start), bisect_right(self._times, end)
        found = self._entries[low:high]
        if flip_ties:
            found.sort(key=lambda entry: entry[0], reverse=True)  # a stable sort keeps ties oldest first
        else:
            found.reverse()
        now = self._now
        fresh: dict[K, None] = {}  # an id that moved away and back has two entries of one time
        for time, key in found:
            if now[key] == time:
                fresh[key] = None
        return list(fresh)
