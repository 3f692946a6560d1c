"""What features are made of: causal whatever the length of the history, and sums of groups as added up by hand."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from orders_pipeline.forecasting.history import SalesHistory
from orders_pipeline.forecasting.peaks import closed_days
from orders_pipeline.forecasting.profiles import WEEK, group_totals
from orders_pipeline.forecasting.signals import BLOCK, days_since_sale, prepare, ratio, window_mean

SKUS = 30


def history(days: int, of: int) -> SalesHistory:
    """The first ``days`` of a shop's ``of`` days: bulk orders, late first sales and days without stock among them."""
    rng = np.random.default_rng(4)
    units = rng.poisson(rng.uniform(0.1, 6, (SKUS, 1)), (SKUS, of)).astype(np.float32)
    units[rng.random(units.shape) < 0.01] *= 40
    first = rng.integers(0, of // 2, SKUS)
    units[np.arange(of) < first[:, None]] = 0
    units[np.arange(SKUS), first] = 1
    without_stock = (rng.random(units.shape) < 0.05) & (np.arange(of) > first[:, None])
    units[without_stock] = 0
    return SalesHistory(
        date(2026, 1, 1) + timedelta(days=days),
        tuple(f"S{n}" for n in range(SKUS)),
        (np.arange(SKUS) * 7 % 4).astype(np.int32),
        first.astype(np.int32),
        units[:, :days],
        np.minimum(units, 3)[:, :days],
        np.ones((SKUS, days), np.float32),
        without_stock[:, :days],
        closed_days(np.minimum(units, 3)[:, :days]),
    )


@pytest.mark.parametrize("days", [BLOCK - WEEK, BLOCK, BLOCK + WEEK, 2 * BLOCK])
def test_later_days_change_nothing_before_them(days: int) -> None:
    whole = 2 * BLOCK + 3 * WEEK
    anchors = [days - 1]
    short = prepare(history(days, whole), anchors)
    # the anchors of both lie whole weeks before their last columns
    more = days + (whole - days) // WEEK * WEEK
    long = prepare(history(more, whole), [*anchors, more - 1])
    assert np.array_equal(short.demand, long.demand[:, :days])
    assert np.array_equal(short.exponential[days - 1], long.exponential[days - 1])
    assert np.array_equal(short.last_sale[days - 1], long.last_sale[days - 1])
    assert np.array_equal(short.by_group, long.by_group[:, :days])


def test_days_without_stock_are_filled_and_bulk_orders_cut() -> None:
    shop = history(2 * BLOCK, 2 * BLOCK)
    demand = prepare(shop, [2 * BLOCK - 1]).demand
    assert (demand[shop.without_stock] > 0).all()
    sold = ~shop.without_stock
    assert (demand[sold] <= shop.units[sold]).all()
    assert (demand[sold] < shop.units[sold]).any()


def test_groups_are_added_up() -> None:
    shop = history(50, 50)
    by_hand = [shop.units[shop.group == group].sum(axis=0) for group in range(4)]
    assert np.array_equal(group_totals(shop.units, shop.group), by_hand)
    # a category without a SKU that sold
    assert np.array_equal(group_totals(shop.units, shop.group * 2)[1], np.zeros(50))


def test_days_of_the_closed_shop_are_in_no_mean() -> None:
    """Orders, shares of days with a sale and days since the last one are those of the open days."""
    days = 112
    units = np.random.default_rng(6).poisson(np.linspace(0.2, 8, SKUS)[:, None], (SKUS, days)).astype(np.float32)
    units[:, 0] = 1  # all were sold from the first day on

    def shop(sold: np.ndarray) -> SalesHistory:
        nothing = np.zeros((SKUS, days), np.bool_)
        none = np.zeros(SKUS, np.int32)
        price = np.ones((SKUS, days), np.float32)
        return SalesHistory(date(2026, 3, 2), tuple("ABC"), none, none, sold, sold, price, nothing, closed_days(sold))

    closed = np.arange(days - 13, days)
    shut = units.copy()
    shut[:, closed] = 0
    anchors = [days - 1]
    before, after = prepare(shop(units), [days - 14, days - 1]), prepare(shop(shut), anchors)
    assert np.flatnonzero(after.history.closed).tolist() == closed.tolist()
    rows = np.arange(SKUS)
    for name in ("raw", "demand", "orders", "sale"):
        usual, found = (window_mean(signals, name, rows, days - 1, 28) for signals in (before, after))
        assert found.sum() == pytest.approx(usual.sum(), rel=0.05), name
        assert np.abs(found - usual).max() < 0.35 * max(usual.max(), 1), name
    since = days_since_sale(after, rows, days - 1) - after.closed_since_sale(rows, days - 1)
    last = np.array([np.flatnonzero(row)[-1] for row in shut])
    assert (since == days - 14 - last).all()


def test_sizes_of_sales_are_means_over_days_with_a_sale() -> None:
    """As added up by hand; a SKU without a sale in the window has none."""
    shop = history(2 * BLOCK, 2 * BLOCK)
    shop.units[5, -8 * WEEK :] = 0
    anchor = 2 * BLOCK - 1
    found = ratio(prepare(shop, [anchor]), "log_size", "sold", np.arange(SKUS), anchor, 8 * WEEK)
    for sku, window in enumerate(shop.units[:, -8 * WEEK :]):
        sizes = window[window > 0]
        assert sizes.size == 0 or found[sku] == pytest.approx(np.log(sizes).mean(), abs=1e-5)
        assert np.isnan(found[sku]) == (sizes.size == 0)
    assert np.isnan(found[5])
