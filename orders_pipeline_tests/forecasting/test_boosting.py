"""Bins and blocks that models share: order is kept, bins are equally filled, and predicting in blocks changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from orders_pipeline.forecasting.boosting import BLOCK, EDGE_ROWS, Binned, in_blocks


@pytest.mark.parametrize("bins", [31, 63])
@pytest.mark.parametrize("rows", [EDGE_ROWS, 3 * EDGE_ROWS + 7])
def test_bins_keep_the_order_and_are_equally_filled(rows: int, bins: int) -> None:
    rng = np.random.default_rng(1)
    features = np.column_stack([rng.lognormal(0, 3, rows), rng.normal(size=rows)]).astype(np.float32)
    binned = Binned.fit(features, bins)
    codes = binned.apply(features)
    assert codes.shape == features.shape
    for column, code in zip(features.T, codes.T, strict=True):
        order = np.argsort(column)
        assert (np.diff(code[order]) >= 0).all()
        filled = np.unique(code, return_counts=True)[1]
        assert len(filled) == bins
        # edges taken from a third of the rows: each bin has some 320 of them, three standard deviations are a sixth
        assert filled.max() <= 1.25 * rows / bins
    beyond = binned.apply(np.array([[-1e9, -1e9], [1e9, 1e9]], np.float32))
    assert (beyond[0] == codes.min(axis=0)).all()
    assert (beyond[1] == codes.max(axis=0)).all()


def test_other_columns_than_the_bins_are_of_raise() -> None:
    features = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
    binned = Binned.fit(features, 31)
    for width in (2, 4):
        with pytest.raises(ValueError, match="zip"):
            binned.apply(np.ones((5, width), np.float32))


@pytest.mark.parametrize("rows", [1, BLOCK, 2 * BLOCK + 1])
def test_blocks_give_what_all_rows_at_once_give(rows: int) -> None:
    features = np.arange(rows * 3, dtype=np.float32).reshape(rows, 3)
    calls = []

    def predict(some: np.ndarray) -> np.ndarray:
        calls.append(len(some))
        return some.sum(axis=1)

    assert (in_blocks(predict, features) == features.sum(axis=1)).all()
    assert max(calls) <= BLOCK
