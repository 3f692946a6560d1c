"""From a window whose count differs to the smallest windows worth reading again. Counts only; nothing is read here."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from orders_pipeline.platforms.base import Window
from orders_pipeline.sync.windows import split

HALVINGS = 6
"""With the count that confirms the difference 7 calls: a week comes down to 2.6 hours, an hour to a minute."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A window to read again. ``platform`` and ``here`` are rows."""

    window: Window
    platform: int
    here: int


def bisect(
    window: Window, platform: int, here: Sequence[datetime], count: Callable[[Window], int], page_size: int
) -> list[Leaf]:
    """Windows inside ``window`` whose counts differ, oldest first; one call of ``count`` a halving, the other half being
    the rest. ``here`` are the instants of our rows, sorted.

    At most ``HALVINGS`` calls for each row that differs. A half that one page holds is not halved further: reading it
    costs what a count costs.
    """
    leaves: list[Leaf] = []
    waiting = [(window, platform, 0)]
    while waiting:
        part, theirs, depth = waiting.pop()
        ours = bisect_right(here, part.end) - bisect_left(here, part.start)
        if theirs == ours:
            continue
        try:
            older, newer = split(part)
        except ValueError:
            depth = HALVINGS
        if depth == HALVINGS or max(theirs, ours) <= page_size:
            leaves.append(Leaf(part, theirs, ours))
            continue
        of_newer = count(newer)
        waiting += [(newer, of_newer, depth + 1), (older, max(theirs - of_newer, 0), depth + 1)]
    return leaves
