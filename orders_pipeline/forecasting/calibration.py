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


@dataclass(frozen=True, slots=True)
class Bins:
    """Equally filled bins of a first key and, within each, of a second."""

    outer: Array
    inner: Array

    @classmethod
    def fit(cls, first: Array, second: Array | None, outer: int, inner: int = 1) -> Bins:
        """At most ``outer`` × ``inner`` bins, fewer where a bin would hold less than ``BIN_ROWS`` cases."""
        outer = max(1, min(outer, len(first) // BIN_ROWS))
        edges = np.quantile(first, np.arange(1, outer) / outer)
        inner = max(1, min(inner, len(first) // (outer * BIN_ROWS))) if second is not None else 1
        at = np.searchsorted(edges, first)
        inner_edges = np.zeros((outer, inner - 1))
        if second is not None and inner > 1:
            for number in range(outer):
                within = second[at == number]
                inner_edges[number] = np.quantile(within, np.arange(1, inner) / inner) if within.size else 0
        return cls(edges, inner_edges)

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


@dataclass(frozen=True, slots=True)
class RatioQuantiles:
    """Quantiles of actual over forecast, by size of the forecast and by the chance of any sale."""

    bins: Bins
    table: Array
    levels: tuple[float, ...]

    @classmethod
    def fit(
        cls, forecast: Array, chance: Array | None, actual: Array, levels: Sequence[float], outer: int, inner: int
    ) -> RatioQuantiles:
        bins = Bins.fit(forecast, chance, outer, inner)
        places = bins.place(forecast, chance)
        return cls(bins, bins.quantiles(places, actual / forecast, levels), tuple(levels))

    def apply(self, forecast: Array, chance: Array | None = None) -> NDArray[np.int64]:
        """Whole units, shape (cases, levels), never crossing."""
        return whole_units(forecast[:, None] * self.table[self.bins.place(forecast, chance)])

    def shares(self, forecast: Array, actual: Array, levels: Sequence[float]) -> Array:
        """Of past cases that sold exactly their quantile, the share that belongs below it (``Outcome.shares``), a bin:
        shape (bins, levels)."""
        places = self.bins.place(forecast)
        quantiles = self.apply(forecast)
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
