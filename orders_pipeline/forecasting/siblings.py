"""What the other SKUs of a SKU's product (its colours and sizes) did lately: they share its traffic, promotions and seasons.

Each SKU is left out of what is said about it. Causal: for an anchor (the last known day) only days up to it are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from orders_pipeline.forecasting.profiles import WEEK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orders_pipeline.forecasting.signals import Ints, Signals

WINDOWS = (7, 28, 112)  # days: each against the next tells whether the product rises
PRIOR = 0.05  # units a day, one in three weeks: products slower than this show no trend


def sibling_features(signals: Signals, rows: Ints, anchor: int) -> list[NDArray[np.float64]]:
    """Trends of the siblings' demand, the SKU's size among them, and the share of them that sold within a week, each (rows,);
    NaN for a SKU that is its product's only one."""
    product = signals.history.product
    siblings = (np.bincount(product)[product] - 1)[rows]
    counted = np.maximum(siblings, 1)

    def of_others(values: NDArray[np.float64]) -> NDArray[np.float64]:
        rest: NDArray[np.float64] = (np.bincount(product, values)[product] - values)[rows]
        return rest

    own = [
        (signals.upto("demand", anchor + 1) - signals.upto("demand", anchor + 1 - days)) / min(days, anchor + 1)
        for days in WINDOWS
    ]
    week, month, season = (of_others(mean) + PRIOR for mean in own)
    sold = (signals.last_sale[anchor] > anchor - WEEK).astype(np.float64)
    found = [
        week / month,
        month / season,
        np.log((own[1][rows] + PRIOR) / (month / counted)),
        of_others(sold) / counted,
    ]
    return [np.where(siblings > 0, column, np.nan) for column in found]
