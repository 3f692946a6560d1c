"""Quantiles of the week, and the number between mean and median that errs least."""

from __future__ import annotations

import numpy as np
import pytest

from orders_pipeline.forecasting.calibration import BIN_ROWS, SPAN, Bins
from orders_pipeline.forecasting.hurdle import GRID, Days, Hurdle
from orders_pipeline.forecasting.outcome import TOTAL_QUANTILES
from orders_pipeline.forecasting.profiles import WEEK
from orders_pipeline.forecasting.sample import Cases
from orders_pipeline.forecasting.week_quantiles import (
    LEAST_SHARE,
    SKEWED,
    LearnedQuantiles,
    Spread,
    WeekQuantiles,
    features_of,
    least_error,
)


@pytest.mark.parametrize("spread", [0.05, 1.0, 3.0])
@pytest.mark.parametrize("alike", [False, True])
def test_large_and_small_share_no_bin(spread: float, alike: bool) -> None:
    rng = np.random.default_rng(4)
    first = np.exp(rng.normal(0, spread, 6_000))
    if alike:
        first = np.ceil(first)
    second = rng.normal(size=len(first))
    bins = Bins.fit(first, second, 20, 4)
    outer = bins.place(first)
    cases = np.bincount(outer, minlength=len(bins.outer) + 1)
    assert cases[-1] > 0  # what is larger than all goes there
    assert (cases[cases > 0] >= BIN_ROWS).all() or alike
    for number in np.unique(outer):
        here = first[outer == number]
        # parts would hold too few, or the lower half is one number
        assert here.max() <= SPAN * here.min() or len(here) < 2 * BIN_ROWS or (here > np.median(here)).sum() < BIN_ROWS
    within = np.bincount(bins.place(first, second), minlength=bins.count)
    assert (within[within > 0] >= BIN_ROWS - 1).all() or alike
    assert len(within) == bins.count
    if spread == 0.05 and not alike:
        assert len(bins.outer) + 1 == 20  # equally filled, nothing cut


def test_a_bin_is_cut_where_there_is_nothing_between_its_cases() -> None:
    """104 sleepers and 150 best sellers share the last of 40 bins: its middle would leave best sellers among the sleepers."""
    rng = np.random.default_rng(7)
    small, large = rng.uniform(0.045, 0.055, 10_000), rng.uniform(15, 25, 150)
    bins = Bins.fit(np.concatenate([small, large]), None, 40)
    assert not set(bins.place(small)) & set(bins.place(large))
    few = np.concatenate([small, large[: BIN_ROWS - 1]])  # for a bin of their own
    assert np.bincount(Bins.fit(few, None, 40).place(few)).min() >= BIN_ROWS


def test_skewed_weeks_go_to_their_median_and_even_ones_stay() -> None:
    """Lognormal weeks of mean 1: the median is where the sum of absolute errors is least."""
    rng = np.random.default_rng(1)
    for skew in (0.1, 0.2, 0.3, 0.6, 1.0):
        weeks = rng.lognormal(-(skew**2) / 2, skew, 50_000)
        median = np.exp(-(skew**2) / 2)
        share = float(least_error(np.ones(1), np.array([median]))[0])
        missed = {at: np.abs(weeks - at).mean() for at in (1.0, share, median)}
        assert median <= share <= 1
        assert missed[share] <= missed[1.0]
        # of what the way to the median gains, or of an error of which that is next to nothing
        assert missed[share] - missed[median] <= max(0.02 * (missed[1.0] - missed[median]), 0.005 * missed[median])
        if skew <= 0.2:
            assert 1 - share <= 0.2 * (1 - median)  # little to gain: hardly any bias
        if 1 - median >= SKEWED:
            assert share == pytest.approx(median)


def test_the_way_to_the_median_has_no_steps() -> None:
    median = np.linspace(0, 1.5, 20_001)
    share = least_error(np.ones(len(median)), median)
    assert (np.diff(share) >= 0).all()
    assert np.diff(share).max() < 3 * (median[1] - median[0])


def test_weeks_that_mostly_sell_nothing_keep_a_mean() -> None:
    """The median week is 0, the mean is not: a merchant must see that the SKU sells."""
    assert 0.2 < LEAST_SHARE < 1
    assert (least_error(np.array([0.1, 0.3, 5.0]), np.zeros(3)) == LEAST_SHARE).all()


def test_a_forecast_that_is_too_low_is_not_raised() -> None:
    """The mean leaves bulk orders out; weeks that bring them must not put them back."""
    assert (least_error(np.array([10.0, 0.2]), np.array([15.0, 1.0])) == 1).all()


def shop_weeks(count: int, features: int = 6) -> tuple[Cases, np.ndarray, np.ndarray]:
    """Weeks whose spread depends on a feature that their mean does not know: cases, their means, and the spread of each."""
    rng = np.random.default_rng(3)
    base = rng.normal(size=(count, features)).astype(np.float32)
    mean = np.exp(rng.normal(3, 1, count))
    skew = np.where(base[:, 0] > 0, 0.8, 0.2)
    week = np.round(mean * rng.lognormal(-(skew**2) / 2, skew))
    units = np.zeros((count, WEEK))
    units[:, 2] = week
    nothing = np.zeros((count, 0), np.float32)
    return (
        Cases(
            np.arange(count), np.zeros(count, np.int64), base, nothing, nothing[:, None], np.ones((count, 1), np.int64),
            mean / WEEK, units, units, np.ones((count, WEEK), np.bool_), np.ones(count, np.bool_),
            np.ones((count, WEEK)), np.zeros((count, WEEK)),
        ),
        mean,
        skew,
    )  # fmt: skip


@pytest.mark.parametrize("way", [WeekQuantiles, LearnedQuantiles])
def test_quantiles_of_a_week_cover_what_they_say_for_steady_and_for_bursting_skus(way: type) -> None:
    cases, mean, skew = shop_weeks(12_000)
    if way is WeekQuantiles:
        features = features_of(cases, mean)
        width = Spread.fit(features, cases.units.sum(axis=1), mean, seed=0).width(features)
        quantiles, _ = WeekQuantiles.fit(cases, mean, width).apply(mean, width)
    else:
        quantiles = LearnedQuantiles.fit(cases, mean, seed=0).apply(cases, mean)
    assert quantiles.shape == (12_000, len(TOTAL_QUANTILES))
    assert (np.diff(quantiles, axis=1) >= 0).all()
    week = cases.units.sum(axis=1)
    for kind in (0.2, 0.8):
        here = skew == kind
        for number, level in enumerate(TOTAL_QUANTILES):
            # three standard errors of 6,000 weeks at the median are .02, and trees have seen these weeks
            assert (week[here] <= quantiles[here, number]).mean() == pytest.approx(level, abs=0.03)


def test_learned_quantiles_never_cross_where_models_do() -> None:
    cases, mean, _ = shop_weeks(400)
    learned = LearnedQuantiles.fit(cases, mean, seed=1)
    crossing = LearnedQuantiles(learned.spread, learned.models[::-1])
    assert (np.diff(crossing.apply(cases, mean), axis=1) >= 0).all()


def test_bigger_sales_move_quantiles_but_not_the_chance_of_a_sale() -> None:
    shape = (50, WEEK)
    rng = np.random.default_rng(5)
    chance = rng.uniform(0.02, 0.99, shape)
    residuals = np.sort(rng.normal(size=(1, len(GRID))), axis=1)
    one_bin = Bins.fit(np.ones(50), None, 1)
    model = Hurdle(None, None, None, one_bin, residuals, one_bin, np.ones(1))
    days = Days(chance, np.full(shape, 40.0), np.full(shape, 0.5), np.zeros(shape, np.int64), chance * 40)
    twice = days.expecting(2 * days.mean)
    before, after = model.quantiles(days), model.quantiles(twice)
    assert np.array_equal(before > 0, after > 0)
    assert np.abs(after - 2 * before).max() <= 1  # rounded to whole units once, not twice
    assert np.allclose(twice.mean, 2 * days.mean)
    # a day's sales follow the day's mean, not the week's
    times = rng.uniform(0.5, 2, shape)
    assert np.allclose(days.expecting(times * days.mean).size, times * days.size)
    # the distribution that coverage is judged by moves along
    assert np.allclose(model.upto(twice, 2 * before[..., 2]), model.upto(days, before[..., 2]), atol=0.02)
