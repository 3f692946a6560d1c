"""The model of weeks: the factor that makes a mean err least."""

from __future__ import annotations

import numpy as np
import pytest

from orders_pipeline.forecasting.weekly import HIGHEST, LOWEST, least_error


@pytest.mark.parametrize("skew", [0.2, 0.6, 1.0])
def test_no_other_factor_errs_less_within_a_bin(skew: float) -> None:
    rng = np.random.default_rng(1)
    mean = rng.uniform(2, 200, 6_000)
    actual = np.round(mean * rng.lognormal(-(skew**2) / 2, skew, len(mean)))
    bins, factor = least_error(mean, actual)
    places = bins.place(mean)
    assert len(factor) == bins.count > 1

    def missed(factors: np.ndarray) -> np.ndarray:
        return np.bincount(places, np.abs(actual - factors[places] * mean), bins.count)

    for other in np.linspace(LOWEST, HIGHEST, 51):
        assert (missed(factor) <= missed(np.full(bins.count, other)) + 1e-6).all()
    # the median of a lognormal whose mean is 1
    assert np.average(factor) == pytest.approx(np.exp(-(skew**2) / 2), abs=0.03)


def test_weeks_that_mostly_sell_nothing_keep_a_mean() -> None:
    """The median week is 0, the mean is not: a merchant must see that the SKU sells."""
    rng = np.random.default_rng(2)
    mean = rng.uniform(0.1, 0.3, 3_000)
    _, factor = least_error(mean, rng.poisson(mean).astype(np.float64))
    assert (factor == LOWEST).all()


def test_a_forecast_that_is_too_low_is_not_raised() -> None:
    """The mean leaves bulk orders out; weeks that bring them must not put them back."""
    mean = np.full(500, 10.0)
    _, factor = least_error(mean, np.full(500, 15.0))
    assert (factor == HIGHEST).all()
