"""Which cases are drawn to learn from."""

from __future__ import annotations

import numpy as np

from orders_pipeline.forecasting.sample import mostly_large


def test_a_draw_is_mostly_of_what_sells_much() -> None:
    sizes = np.where(np.arange(2_000) < 200, 5.0, 0.05)
    drawn = mostly_large(sizes, 400, np.random.default_rng(6))
    assert len(drawn) == 400
    assert (np.diff(drawn) > 0).all()
    # of 200 with a weight eight times the others'; evenly drawn, 40 would be, and nearly all by their units themselves
    assert 130 < (drawn < 200).sum() < 180
    for count in (2_000, 3_000):
        assert np.array_equal(mostly_large(sizes, count, np.random.default_rng(6)), np.arange(2_000))
    assert mostly_large(sizes, 0, np.random.default_rng(6)).size == 0
    assert mostly_large(sizes[:0], 5, np.random.default_rng(6)).size == 0
