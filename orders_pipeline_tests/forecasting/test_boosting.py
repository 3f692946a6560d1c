"""Bins and blocks that models share: order is kept, bins are equally filled, values that many share keep apart, and predicting
in blocks changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from orders_pipeline.forecasting.boosting import BLOCK, EDGE_ROWS, Binned, in_blocks
from orders_pipeline.forecasting.features import MISSING


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


@pytest.mark.parametrize("bins", [31, 63])
@pytest.mark.parametrize("values", [1, 2, 8, 29])
def test_few_values_keep_apart_however_rare(values: int, bins: int) -> None:
    """As days with a sale in a week are, of which best sellers in a long tail have many."""
    column = np.repeat(np.arange(values), np.geomspace(10_000, 10, values).astype(int)).astype(np.float32)[:, None] / 7
    codes = Binned.fit(column, bins).apply(column)
    assert len(np.unique(np.column_stack([column, codes]), axis=0)) == len(np.unique(codes)) == values


@pytest.mark.parametrize("missing", [0.04, 0.3, 0.99])
def test_what_is_missing_none_or_always_keeps_apart_from_all_else(missing: float) -> None:
    rng = np.random.default_rng(2)
    rows = 15_000
    column = rng.uniform(0.001, 0.999, rows).astype(np.float32)
    column[: int(0.7 * missing * rows)] = MISSING
    column[int(0.7 * missing * rows) : int(missing * rows)] = 0
    column[-int(0.05 * rows) :] = 1
    features = rng.permutation(column)[:, None]
    codes = Binned.fit(features, 63).apply(features)
    assert (np.diff(codes[np.argsort(features[:, 0]), 0]) >= 0).all()
    for value in (MISSING, 0, 1):
        here = features == value
        if here.sum() > 2 * rows / 63:  # it fills a bin wherever the edges lie
            assert len(np.unique(codes[here])) == 1
            assert not np.isin(codes[~here], codes[here]).any()
    assert codes.max() < 63


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
