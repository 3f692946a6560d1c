"""A peak day of the whole shop is brought down to the usual; nothing else is touched, and nothing looks ahead."""

from __future__ import annotations

import numpy as np
import pytest

from orders_pipeline.forecasting.peaks import LEAST_DAYS, usual_share


def orders(days: int = 60, skus: int = 10, each: float = 10.0) -> np.ndarray:
    return np.full((skus, days), each)


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
