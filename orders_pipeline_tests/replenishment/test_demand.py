"""Negative binomial probabilities and quantiles against scipy's distribution and against counting up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom

from orders_pipeline.replenishment.demand import constant_demand, negative_binomial_cdf, smallest_units

means = st.floats(0.01, 3000.0)
dispersions = st.floats(0.01, 5.0)


@settings(max_examples=100, deadline=None)
@given(means, dispersions, st.integers(-3, 4000))
def test_cdf_equals_scipys(mean, phi, units):
    ours = float(negative_binomial_cdf(units, mean, phi))
    assert ours == pytest.approx(float(nbinom.cdf(units, 1 / phi, 1 / (1 + phi * mean))), abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(st.floats(0.0, 50.0), dispersions, st.integers(1, 60), st.floats(0.05, 0.999))
def test_quantile_equals_scipys(level, phi, days, service):
    demand = constant_demand([level], [phi], np.ones(60))
    got = int(smallest_units(demand, np.array([[days]]), np.array([service]))[0])
    mean = level * days
    assert got == max(int(nbinom.ppf(service, 1 / phi, 1 / (1 + phi * mean))), 0)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0.0, 8.0),
    st.floats(0.02, 2.0),
    st.lists(st.integers(1, 30), min_size=5, max_size=5),
    st.floats(0.5, 0.99),
)
def test_quantile_of_a_lead_time_mixture_equals_counting_up(level, phi, days, service):
    demand = constant_demand([level], [phi], np.ones(30))
    got = int(smallest_units(demand, np.array([days]), np.array([service]))[0])
    units = 0
    while np.mean([nbinom.cdf(units, 1 / phi, 1 / (1 + phi * level * day)) for day in days]) < service:
        units += 1
    assert got == units


def test_no_demand_needs_no_stock():
    demand = constant_demand([0.0], [0.3], np.ones(20))
    assert smallest_units(demand, np.array([[14]]), np.array([0.99])).tolist() == [0]


@pytest.mark.parametrize("service", [0.0, 1.0, float("nan")])
def test_a_service_level_outside_zero_to_one_is_refused(service):
    demand = constant_demand([1.0], [0.3], np.ones(20))
    with pytest.raises(ValueError, match="service"):
        smallest_units(demand, np.array([[14]]), np.array([service]))
