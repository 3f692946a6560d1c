"""What every forecaster returns, whichever way it came to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DAY_QUANTILES = (0.1, 0.5, 0.9, 0.95)
TOTAL_QUANTILES = (0.5, 0.9, 0.95)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seven days of each SKU. ``mean`` is unbiased: bulk orders are in it, so stock may be computed from it."""

    mean: NDArray[np.float64]  # (SKUs, 7) units
    days: NDArray[np.int64]  # (SKUs, 7, DAY_QUANTILES) units
    totals: NDArray[np.int64]  # (SKUs, TOTAL_QUANTILES) units in the seven days together
