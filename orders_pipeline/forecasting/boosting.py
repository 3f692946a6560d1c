"""What boosted models share: settings, predicting, features cut into bins beforehand. Trees and rows are each model's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

LEAVES = 15
LEARNING_RATE = 0.1
DAY_BINS, WEEK_BINS = 63, 31
"""Of each feature. 255 change no metric on two panels; with fewer a node's histogram stays within the processor's nearest cache,
which makes a fit 3 to 7 times as fast when others use the machine too (80 trees on 120,000 weeks: 21 s, 3.2 s, 2.0 s)."""


def settings(seed: int, bins: int) -> dict[str, Any]:
    """Arguments of scikit-learn's boosted models that all of ours are made with."""
    return {
        "max_leaf_nodes": LEAVES,
        "learning_rate": LEARNING_RATE,
        "max_bins": bins,
        "early_stopping": False,
        "random_state": seed,
    }


BLOCK = 2_000
"""Rows that are predicted at a time: tree after tree reads them all, and so few stay in the processor's nearer cache meanwhile.
140,000 rows by 80 trees: 1.5 to 2.0 CPU s at once, .6 to .9 in blocks."""


def in_blocks(predict: Callable[[Any], Any], features: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """``predict(features)``, of a fitted model's ``predict`` or ``predict_proba``, block by block."""
    starts = range(0, len(features), BLOCK)
    found: NDArray[np.float64] = np.concatenate([predict(features[start : start + BLOCK]) for start in starts])
    return found


EDGE_ROWS = 20_000  # that the edges of bins are taken from: a bin in 31 rests on 600 of them


@dataclass(frozen=True, slots=True)
class Binned:
    """Features as numbers of equally filled bins.

    scikit-learn weighs its own bins where cases have weights, one weighted percentile a bin: a third of a small model's time.
    """

    edges: tuple[NDArray[np.float32], ...]

    @classmethod
    def fit(cls, features: NDArray[np.float32], bins: int) -> Binned:
        some = features[:: max(1, len(features) // EDGE_ROWS)]
        levels = np.arange(1, bins) / bins
        return cls(tuple(np.unique(np.quantile(column, levels, method="lower")) for column in some.T))

    def apply(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Shape as given."""
        codes = [
            np.searchsorted(edges, column, side="right") for edges, column in zip(self.edges, features.T, strict=True)
        ]
        return np.column_stack(codes).astype(np.float32)
