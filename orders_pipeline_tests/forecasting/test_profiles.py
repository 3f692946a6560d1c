"""Weekdays of single SKUs against the truth that their sales were drawn from."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from orders_pipeline.forecasting.features import ahead_of
from orders_pipeline.forecasting.history import SalesHistory
from orders_pipeline.forecasting.peaks import closed_days
from orders_pipeline.forecasting.profiles import WEEK
from orders_pipeline.forecasting.signals import Signals, prepare

SKUS, DAYS = 400, 371
GROUP_WEEK = np.array([0.8, 0.8, 0.9, 0.9, 1.2, 1.3, 1.1])


def shop(
    differing: float,
    rate: np.ndarray,
    first_sale: int = 0,
    changed: int = DAYS,
    out_of_stock: int = 0,
    young: int = SKUS,
) -> tuple[Signals, np.ndarray]:
    """One group whose SKUs' weekdays lie around its own with the deviation ``differing``, and the true weekdays (SKUs, 7).

    ``first_sale``: day before which ``young`` SKUs sell nothing; ``changed``: days since the group's week has been what it is,
    the reverse of the one before; ``out_of_stock``: SKUs that are so for 200 days."""
    rng = np.random.default_rng(5)
    truth = GROUP_WEEK * np.exp(rng.normal(0, differing, (len(rate), WEEK)))
    truth *= WEEK / truth.sum(axis=1, keepdims=True)
    # the columns begin and end with whole weeks, so that the day after the last is the truth's first
    usual = np.tile(truth, DAYS // WEEK)
    usual[:, : DAYS - changed] = usual[:, : DAYS - changed][:, ::-1]
    units = rng.poisson(rate[:, None] * usual).astype(np.float32)
    units[:young, :first_sale] = 0
    without_stock = np.zeros(units.shape, np.bool_)
    without_stock[:out_of_stock, 100:300] = True
    units[without_stock] = 0
    history = SalesHistory(
        date(2026, 1, 5) + timedelta(days=DAYS),
        tuple(f"S{n}" for n in range(len(rate))),
        np.zeros(len(rate), np.int32),
        np.argmax(units > 0, axis=1).astype(np.int32),
        units,
        np.minimum(units, 3),
        np.ones(units.shape, np.float32),
        without_stock,
        closed_days(np.minimum(units, 3)),
    )
    return prepare(history, [DAYS - 1]), truth


def weekdays(signals: Signals) -> np.ndarray:
    rows = np.arange(len(signals.history.skus))
    return ahead_of(signals, DAYS - 1).weekdays(signals, rows, DAYS - 1)


def test_a_sku_gets_its_own_weekdays_as_far_as_it_sells_enough_to_tell_them() -> None:
    rate = np.repeat([0.1, 1.0, 30.0], SKUS)
    signals, truth = shop(0.2, rate)
    assert signals.weekday_variance == pytest.approx(truth.var(axis=0).mean(), rel=0.1)
    found = weekdays(signals)
    error = ((found - truth) ** 2).mean(axis=1)
    of_group = ((GROUP_WEEK - truth) ** 2).mean(axis=1)
    slow, middling, fast = (rate == size for size in (0.1, 1.0, 30.0))
    assert error[slow].mean() < of_group[slow].mean()  # never worse than the group's
    assert error[middling].mean() < 0.75 * of_group[middling].mean()
    assert error[fast].mean() < 0.05 * of_group[fast].mean()


def test_skus_that_do_not_differ_keep_their_groups_weekdays() -> None:
    signals, _ = shop(0.0, np.full(SKUS, 3.0))
    assert signals.weekday_variance < 0.0005
    assert np.abs(weekdays(signals) - GROUP_WEEK).max() < 0.1


@pytest.mark.parametrize(("changed", "out_of_stock"), [(16 * WEEK, 0), (DAYS, 120)])
def test_neither_a_change_of_all_nor_days_without_stock_are_taken_for_a_skus_own(
    changed: int, out_of_stock: int
) -> None:
    signals, _ = shop(0.0, np.full(SKUS, 30.0), changed=changed, out_of_stock=out_of_stock)
    assert signals.weekday_variance < 0.002  # the group's own week knows days without stock
    assert np.abs(weekdays(signals) - GROUP_WEEK).max() < 0.12


def test_the_days_of_the_first_week_are_counted() -> None:
    signals, _ = shop(0.0, np.full(SKUS, 30.0), first_sale=DAYS - 59, young=40)
    assert signals.weekday_variance < 0.0002


def test_a_young_sku_has_its_groups_weekdays() -> None:
    signals, truth = shop(0.2, np.full(SKUS, 30.0), first_sale=DAYS - 7 * WEEK)
    assert signals.weekday_variance == 0
    assert np.abs(weekdays(signals) - truth.mean(axis=0)).max() < 0.05


def test_sleepers_have_their_groups_weekdays_and_tell_nothing_of_others() -> None:
    signals, _ = shop(0.2, np.repeat([0.0, 30.0], SKUS))
    alone, _ = shop(0.2, np.repeat([30.0], SKUS))
    assert signals.weekday_variance == pytest.approx(alone.weekday_variance, rel=0.2)
    found = weekdays(signals)
    assert (found[:SKUS] == found[0]).all()
    assert np.isfinite(found).all()
