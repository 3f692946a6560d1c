"""What a product's other SKUs say: never the SKU itself, nothing of later days, and products as the platform lists them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import duckdb
import numpy as np

from orders_pipeline.forecasting import load_history
from orders_pipeline.forecasting.history import SalesHistory
from orders_pipeline.forecasting.profiles import WEEK
from orders_pipeline.forecasting.siblings import PRIOR, sibling_features
from orders_pipeline.forecasting.signals import prepare
from orders_pipeline_tests.forecasting.conftest import MADE_ON, fill_sales
from orders_pipeline_tests.forecasting.test_signals import SKUS, history

DAYS = 18 * WEEK
EVERYONE = np.arange(SKUS)


def said(shop: SalesHistory, anchor: int) -> np.ndarray:
    signals = prepare(shop, [anchor, shop.days - 1])
    return np.column_stack(sibling_features(signals, EVERYONE, anchor))


def test_later_days_change_nothing() -> None:
    anchor = DAYS - WEEK - 1
    assert np.array_equal(said(history(DAYS, DAYS), anchor), said(history(DAYS - WEEK, DAYS), anchor), equal_nan=True)


def test_a_sku_says_nothing_of_itself_but_its_share() -> None:
    shop = history(DAYS, DAYS)
    before = said(shop, DAYS - 1)
    silent = shop.units.copy()
    silent[4, DAYS // 2 :] = 0
    after = said(replace(shop, units=silent), DAYS - 1)
    trends = [0, 1, 3]
    # what is left of a sum is rounded as the sum was
    assert np.allclose(before[4, trends], after[4, trends], rtol=1e-12, atol=0)
    assert after[4, 2] < before[4, 2]
    for sibling in (3, 5):
        assert (before[sibling, trends] != after[sibling, trends]).any()
    others = np.setdiff1d(EVERYONE, [3, 4, 5])
    assert np.array_equal(before[others], after[others])


def test_by_hand() -> None:
    units = np.zeros((3, DAYS), np.float32)
    units[0], units[1, -4 * WEEK :], units[2] = 2, 4, 1
    shop = replace(
        history(DAYS, DAYS),
        skus=("A1", "A2", "B"),
        group=np.zeros(3, np.int32),
        product=np.array([0, 0, 1], np.int32),
        first_sale=np.array([0, DAYS - 4 * WEEK, 0], np.int32),
        units=units,
        orders=np.minimum(units, 1),
        price=np.ones_like(units),
        without_stock=np.zeros(units.shape, np.bool_),
    )
    signals = prepare(shop, [DAYS - 1])
    found = np.column_stack(sibling_features(signals, np.arange(3), DAYS - 1))
    steady = [1, 1, np.log((4 + PRIOR) / (2 + PRIOR)), 1]
    risen = [1, (4 + PRIOR) / (1 + PRIOR), np.log((2 + PRIOR) / (4 + PRIOR)), 1]
    assert np.allclose(found[:2], [risen, steady], rtol=1e-6, atol=0)
    assert np.isnan(found[2]).all()


def test_products_are_those_of_the_platform(con: duckdb.DuckDBPyConnection) -> None:
    listed = [
        ("tmall", "7", "red"), ("tmall", "7", "blue"), ("tmall", "8", "green"),
        ("taobao", "7", "grey"), ("taobao", "9", "red"), ("taobao", "9", "blue"),
    ]  # fmt: skip
    for platform, product, sku in listed:
        con.execute(
            "INSERT INTO core.skus (platform, shop, product_id, sku_id, merchant_sku, category, status, modified_at, "
            "synced_at) VALUES ($1, 's', $2, $3, $3, '', 'on_sale', now(), now())",
            [platform, product, sku],
        )
    names = ("blue", "green", "grey", "red", "unlisted", "unlisted-too")
    fill_sales(con, [(name, MADE_ON - timedelta(days=1), 1) for name in names])
    shop = load_history(con, MADE_ON)
    assert shop.skus == names
    together = {
        (a, b) for n, a in enumerate(names) for m, b in enumerate(names) if n < m and shop.product[n] == shop.product[m]
    }
    assert together == {("blue", "red")}
