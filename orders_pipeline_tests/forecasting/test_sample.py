"""Which cases are drawn to learn from."""

from __future__ import annotations

import numpy as np
import pytest

from orders_pipeline.forecasting.profiles import WEEK
from orders_pipeline.forecasting.sample import Cases, all_days, candidates, draw, known, mostly_large, whole_weeks
from orders_pipeline.forecasting.signals import prepare
from orders_pipeline_tests.forecasting.test_signals import history


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


@pytest.mark.parametrize(
    ("pairs", "days", "each"), [(100, 50, 1), (100, 200, 2), (10_000, 1_500, 4), (10_000, 100_000, 7)]
)
def test_a_small_shop_teaches_more_days_of_each_week(pairs: int, days: int, each: int) -> None:
    shop = history(140, 140)
    anchors = list(range(132, 13, -WEEK))
    signals = prepare(shop, [*anchors, 139])
    there = sum(len(candidates(signals, anchor)) for anchor in anchors)
    assert 300 < there < 420
    cases = draw(signals, anchors, pairs, days, seed=0)
    assert len(cases.rows) == pytest.approx(min(pairs, there), abs=len(anchors))
    assert cases.days.shape[:2] == cases.horizons.shape == (len(cases.rows), each)
    assert all(len(set(row)) == each for row in cases.horizons)
    assert np.bincount(cases.horizons.ravel(), minlength=WEEK + 1)[1:].min() > 0.5 * len(cases.rows) * each / WEEK


def test_a_draw_for_weeks_alone_has_no_days_and_is_the_same_otherwise() -> None:
    shop = history(140, 140)
    anchors = list(range(132, 13, -WEEK))
    signals = prepare(shop, [*anchors, 139])
    without, with_days = (draw(signals, anchors, 100, days, seed=0) for days in (0, 100))
    assert without.days.shape[:2] == without.horizons.shape == (len(with_days.rows), 0)
    for name in ("rows", "anchors", "base", "week", "level", "units", "demand", "usual", "whole", "weekdays", "dates"):
        assert np.array_equal(getattr(without, name), getattr(with_days, name)), name


@pytest.mark.parametrize("step", [1, 3, 10_000])
def test_whole_weeks_are_the_cases_with_all_that_is_known_of_their_days(step: int) -> None:
    anchors = list(range(132, 13, -WEEK))
    signals = prepare(history(140, 140), [*anchors, 139])
    cases = draw(signals, anchors, 100, 200, seed=0)
    chosen = np.arange(0, len(cases.rows), step)
    found = whole_weeks(signals, cases, chosen)
    assert np.array_equal(found.rows, cases.rows[chosen])
    for number, (row, anchor) in enumerate(zip(found.rows, found.anchors, strict=True)):
        alone = known(signals, np.array([row]), int(anchor), all_days(1))
        for name in Cases.__slots__:
            assert np.array_equal(getattr(found, name)[number], getattr(alone, name)[0]), name
