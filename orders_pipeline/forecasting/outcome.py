"""What every forecaster returns, whichever way it came to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from orders_pipeline.forecasting.calibration import whole_units

if TYPE_CHECKING:
    from numpy.typing import NDArray

DAY_QUANTILES = (0.1, 0.5, 0.9, 0.95)
TOTAL_QUANTILES = (0.5, 0.9, 0.95)
SHARED_QUANTILES = (0.9, 0.95)  # whose coverage is judged


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seven days of each SKU. ``mean`` is of demand without bulk orders, and where there are errors to learn from near what errs
    least: below the expected units where sales are skewed or few. Quantiles and ``with_bulk``, which is what is expected, know
    bulk orders.

    ``shares``: a quantile Q of a sparse day, a whole number, covers more than its level q. Counting of the days that sell
    exactly Q only the share (q − F(Q − 1)) / (F(Q) − F(Q − 1)) makes its coverage q again (randomised probability integral
    transform); F is the forecast's distribution.
    """

    mean: NDArray[np.float64]  # (SKUs, 7) units
    days: NDArray[np.int64]  # (SKUs, 7, DAY_QUANTILES) units
    totals: NDArray[np.int64]  # (SKUs, TOTAL_QUANTILES) units in the seven days together
    with_bulk: NDArray[np.float64]  # (SKUs,) expected units in the seven days together
    shares: NDArray[np.float64]  # (SKUs, 7, SHARED_QUANTILES)

    def towards(self, other: Outcome, share: float) -> Outcome:
        """The weighted mean of both, ``other``'s weight being ``share``; quantiles are rounded to whole units again."""

        def mean(name: str) -> NDArray[np.float64]:
            both: NDArray[np.float64] = (1 - share) * getattr(self, name) + share * getattr(other, name)
            return both

        days = whole_units(mean("days"))
        shares = (1 - share) * self._shares_at(days) + share * other._shares_at(days)
        return Outcome(mean("mean"), days, whole_units(mean("totals")), mean("with_bulk"), shares)

    def _shares_at(self, days: NDArray[np.int64]) -> NDArray[np.float64]:
        """``shares`` if ``days`` were the quantiles: 1 where they lie below the own ones, 0 where above."""
        at = [DAY_QUANTILES.index(level) for level in SHARED_QUANTILES]
        difference = days[..., at] - self.days[..., at]
        found: NDArray[np.float64] = np.where(difference == 0, self.shares, (difference < 0).astype(np.float64))
        return found
