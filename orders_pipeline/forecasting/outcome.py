"""What every forecaster returns, whichever way it came to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DAY_QUANTILES = (0.1, 0.5, 0.9, 0.95)
TOTAL_QUANTILES = (0.5, 0.9, 0.95)
SHARED_QUANTILES = (0.9, 0.95)  # whose coverage is judged


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seven days of each SKU. ``mean`` is of demand without bulk orders, and where models say it near what errs least: below the
    expected units where sales are skewed or few. Quantiles and ``with_bulk``, which is what is expected, know bulk orders.

    ``shares``: a quantile Q of a sparse day, a whole number, covers more than its level q. Counting of the days that sell
    exactly Q only the share (q − F(Q − 1)) / (F(Q) − F(Q − 1)) makes its coverage q again (randomised probability integral
    transform); F is the forecast's distribution.
    """

    mean: NDArray[np.float64]  # (SKUs, 7) units
    days: NDArray[np.int64]  # (SKUs, 7, DAY_QUANTILES) units
    totals: NDArray[np.int64]  # (SKUs, TOTAL_QUANTILES) units in the seven days together
    with_bulk: NDArray[np.float64]  # (SKUs,) expected units in the seven days together
    shares: NDArray[np.float64]  # (SKUs, 7, SHARED_QUANTILES)
