"""Peaks and closed days of the whole shop: told from ordinary days, and nothing looks ahead."""

from __future__ import annotations

import numpy as np
import pytest

from orders_pipeline.forecasting.peaks import LEAST_DAYS, closed_days
from orders_pipeline.forecasting.peaks import usual_share as share_of


def orders(days: int = 60, skus: int = 10, each: float = 10.0) -> np.ndarray:
    return np.full((skus, days), each)


def usual_share(table: np.ndarray) -> np.ndarray:
    return share_of(table, closed_days(table))


def test_an_ordinary_shop_has_no_peaks() -> None:
    table = orders()
    table[:, 5::7] *= 2.0  # a strong weekday
    assert (usual_share(table) == 1).all()


def test_a_peak_is_brought_down_to_the_usual_and_does_not_become_usual() -> None:
    table = orders()
    table[:, 40:42] *= 6.0
    share = usual_share(table)
    assert share[40] == share[41] == pytest.approx(1 / 6)
    assert (np.delete(share, [40, 41]) == 1).all()


def test_one_bulk_purchase_is_no_peak() -> None:
    table = orders()
    table[3, 30] += 1  # a thousand units, one order
    assert (usual_share(table) == 1).all()


def test_too_little_history_or_too_few_orders_tell_nothing() -> None:
    early, small = orders(), orders(each=0.1)
    early[:, LEAST_DAYS - 1] *= 9
    small[:, 40] *= 9
    assert usual_share(early)[LEAST_DAYS - 1] == 1
    assert (usual_share(small) == 1).all()


def test_a_day_is_judged_by_the_days_before_it() -> None:
    table = orders()
    table[:, 40] *= 6.0
    later = table.copy()
    later[:, 41:] = np.random.default_rng(1).integers(0, 900, later[:, 41:].shape)
    assert (usual_share(table)[:41] == usual_share(later)[:41]).all()


def test_a_day_without_sales_is_one_of_a_closed_shop() -> None:
    table = orders()
    table[:, 5::7] = 0  # always closed on this weekday
    table[:, [30, *range(43, 50)]] = 0
    table[0, 48] = 1  # an order that came all the same
    # the eve of the holidays' own rest day, that day, and the days after it are one closing
    assert np.flatnonzero(closed_days(table)).tolist() == [30, 43, 44, 45, 46, 48, 49]


def test_days_with_a_twentieth_of_the_usual_are_the_end_of_a_season() -> None:
    table = orders()
    table[:, 40:] *= 0.05
    assert not closed_days(table).any()


def test_a_shop_that_sells_no_more_is_not_closed_for_ever() -> None:
    table = orders(120)
    table[:, 60:] = 0
    closed = closed_days(table)
    assert closed[60:81].all()
    assert not closed[81:].any()


@pytest.mark.parametrize(("every", "flagged"), [(30, 2), (14, 2), (100, 3)])
def test_a_shop_that_closes_again_and_again_has_a_habit(every: int, flagged: int) -> None:
    table = orders(400)
    table[:, 40::every] = 0
    closings = np.flatnonzero(closed_days(table))
    assert closings[:2].tolist() == [40, 40 + every]
    recent = [sum(0 < day - other <= 84 for other in closings) for day in closings]
    assert max(recent, default=0) < 2
    assert len(closings) >= flagged


def test_too_few_orders_or_weeks_tell_of_no_closed_day() -> None:
    small, young = orders(each=1.9), orders(20)
    small[:, 40] = 0
    young[:, 15] = 0
    assert not closed_days(small).any()
    assert not closed_days(young).any()


def test_a_closed_fortnight_makes_no_peak_of_the_days_after_it() -> None:
    table = orders()
    table *= np.array([2.2, 2.2, 1, 1, 1, 0.8, 0.8])[np.arange(60) % 7]
    table[:, 30:43] = 0
    assert (usual_share(table) == 1).all()


def test_a_closed_day_is_told_by_the_days_before_it() -> None:
    table = np.random.default_rng(2).poisson(3, (10, 190)).astype(float)
    table[:, [40, 50, 51, 170]] = 0
    whole = closed_days(table)
    assert whole.sum() == 4
    for days in range(1, 191):
        assert (closed_days(table[:, :days]) == whole[:days]).all()
