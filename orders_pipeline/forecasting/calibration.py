"""From point forecasts to quantiles by what past forecasts of the same kind missed: empirical quantiles in bins.

Bins of many SKUs calibrate where intervals from a few windows of one SKU are far too narrow. No model belongs here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

BIN_ROWS = 100  # fewer past cases than this say nothing about a 95 % quantile
SPAN = 2.0  # from the smallest to the largest of a bin: more, and it is cut in two


@dataclass(frozen=True, slots=True)
class Bins:
    """Equally filled bins of a first key and, within each, of a second.

    One that spans much is cut in two: a few SKUs that sell a hundred times, or a hundredth of, what the others do have their own.
    """

    outer: Array
    inner: Array  # (outer bins, edges); infinite where a bin has fewer

    @classmethod
    def fit(cls, first: Array, second: Array | None, outer: int, inner: int = 1) -> Bins:
        """At most ``outer`` × ``inner`` bins besides such parts, fewer where one would hold less than ``BIN_ROWS`` cases."""
        ordered = np.sort(first)
        outer = max(1, min(outer, len(first) // BIN_ROWS))
        edges = np.quantile(ordered, np.arange(1, outer) / outer)
        parts = np.split(ordered, np.searchsorted(ordered, edges, side="right"))
        edges = np.unique([*edges, *(cut for part in parts for cut in _cuts(part))])
        edges = edges[edges < ordered[-1]]  # beyond the largest there is no case to tell of
        inner = inner if second is not None else 1
        found = cls(edges, np.full((len(edges) + 1, inner - 1), np.inf))
        if second is not None:
            place = found.place(first)
            for number in range(len(edges) + 1):
                within = second[place == number]
                here = max(1, min(inner, len(within) // BIN_ROWS))
                if here > 1:
                    cuts = np.quantile(within, np.arange(1, here) / here)
                    found.inner[number, : here - 1] = np.where(cuts < within.max(), cuts, np.inf)
        return found

    @property
    def _inside(self) -> int:
        return int(self.inner.shape[1]) + 1

    @property
    def count(self) -> int:
        return (len(self.outer) + 1) * self._inside

    def place(self, first: Array, second: Array | None = None) -> NDArray[np.int64]:
        """The bin of each case."""
        place = np.searchsorted(self.outer, first).astype(np.int64)
        if second is not None:
            place = place * self._inside + (second[:, None] > self.inner[place]).sum(axis=1)
        return place

    def quantiles(self, places: NDArray[np.int64], values: Array, levels: Sequence[float]) -> Array:
        """Quantiles of ``values`` in each bin, shape (bins, levels); an empty bin takes those of all."""
        table = np.tile(np.quantile(values, levels), (self.count, 1))
        for number in np.unique(places):
            table[number] = np.quantile(values[places == number], levels)
        return table


def _cuts(ordered: Array) -> list[float]:
    """Where a bin is cut, and its parts again, as long as they span more than ``SPAN`` and hold enough cases: across the widest
    gap, if one is that wide itself, else in the middle."""
    if len(ordered) < 2 * BIN_ROWS or ordered[-1] <= SPAN * ordered[0]:
        return []
    last = (len(ordered) - 1) // 2
    gaps = ordered[BIN_ROWS : len(ordered) - BIN_ROWS + 1] / ordered[BIN_ROWS - 1 : len(ordered) - BIN_ROWS]
    if gaps.max() > SPAN:
        last = BIN_ROWS - 1 + int(gaps.argmax())
    below, above = np.split(ordered, [np.searchsorted(ordered, ordered[last], side="right")])
    if len(above) < BIN_ROWS:  # many alike
        return []
    return [*_cuts(below), float(ordered[last]), *_cuts(above)]


@dataclass(frozen=True, slots=True)
class RatioQuantiles:
    """Quantiles of actual over forecast, by size of the forecast and, where it is given, by spread."""

    bins: Bins
    table: Array
    levels: tuple[float, ...]

    @classmethod
    def fit(
        cls,
        forecast: Array,
        actual: Array,
        levels: Sequence[float],
        outer: int,
        spread: Array | None = None,
        inner: int = 1,
    ) -> RatioQuantiles:
        bins = Bins.fit(forecast, spread, outer, inner)
        places = bins.place(forecast, spread)
        return cls(bins, bins.quantiles(places, actual / forecast, levels), tuple(levels))

    def apply(self, forecast: Array, spread: Array | None = None) -> NDArray[np.int64]:
        """Whole units, shape (cases, levels), never crossing."""
        return whole_units(forecast[:, None] * self.table[self.bins.place(forecast, spread)])

    def shares(self, forecast: Array, actual: Array, levels: Sequence[float], spread: Array | None = None) -> Array:
        """Of past cases that sold exactly their quantile, the share that belongs below it (``Outcome.shares``), a bin:
        shape (bins, levels)."""
        places = self.bins.place(forecast, spread)
        quantiles = self.apply(forecast, spread)
        cases = np.maximum(np.bincount(places, minlength=self.bins.count), 1)
        found = np.ones((self.bins.count, len(levels)))
        for number, level in enumerate(levels):
            quantile = quantiles[:, self.levels.index(level)]
            below = np.bincount(places, actual < quantile, self.bins.count) / cases
            exactly = np.bincount(places, actual == quantile, self.bins.count) / cases
            found[:, number] = np.clip((level - below) / np.maximum(exactly, 1e-9), 0, 1)
        return found


def whole_units(quantiles: Array) -> NDArray[np.int64]:
    """Rounded half up, never below zero; monotone, so quantiles that did not cross still do not."""
    return np.floor(np.maximum(quantiles, 0) + 0.5).astype(np.int64)
