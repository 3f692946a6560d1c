"""What suggestions read of the past: days on which nothing could sell say nothing about demand."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from orders_pipeline.replenishment.history import read_history
from orders_pipeline.replenishment.levels import day_factors, estimate_demand
from orders_pipeline_tests.forecasting.conftest import MADE_ON, fill_sales, open_empty

SKUS = [f"S{number:02d}" for number in range(30)]
DAYS = 120


@pytest.mark.parametrize("closed", [range(1, 9), [*range(20, 34)]], ids=["until today", "a fortnight"])
def test_days_of_a_closed_shop_are_unknown_and_lower_no_level(closed: list[int]) -> None:
    con = open_empty(":memory:")
    units = np.random.default_rng(5).poisson(4, (len(SKUS), DAYS + 1)) + 1
    sold = [(sku, MADE_ON - timedelta(days=back), int(units[row, back])) for row, sku in enumerate(SKUS)
            for back in range(1, DAYS + 1)]  # fmt: skip
    fill_sales(con, [row for row in sold if (MADE_ON - row[1]).days not in closed])
    past = read_history(con, MADE_ON, SKUS)
    unknown = {past.days - int(day) for day in np.flatnonzero(~past.known.any(axis=0))}
    assert unknown == set(closed)
    before, coming = day_factors(past, MADE_ON, 28, ())
    found = estimate_demand(past, before, coming, np.full(len(SKUS), np.nan), [""] * len(SKUS))
    assert found.demand.mean[:, 28].sum() == pytest.approx(28 * 5 * len(SKUS), rel=0.05)
