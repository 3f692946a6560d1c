"""Lead times: estimates from receipts, and days on which the supplier is closed."""

from __future__ import annotations

from datetime import date

import pytest

from orders_pipeline.replenishment.lead_time import DEFAULT_LEAD_TIME, LeadTime, estimate_lead_time, skip_closures

MONDAY = date(2026, 12, 7)


def test_nothing_known_is_the_default_and_says_so():
    assert estimate_lead_time([], None) == DEFAULT_LEAD_TIME
    assert DEFAULT_LEAD_TIME.assumed


def test_stated_days_are_weighed_as_three_receipts():
    assert estimate_lead_time([], 10) == LeadTime(10, 2.0)
    lead = estimate_lead_time([14, 16, 18], 10)
    assert (lead.mean, lead.assumed) == (13.0, False)
    assert lead.deviation == pytest.approx(max(2.0, 0.2 * 13))


def test_an_unsteady_supplier_keeps_its_own_spread():
    assert estimate_lead_time([2, 20], 7).deviation == pytest.approx(12.73, abs=0.01)


@pytest.mark.parametrize(
    ("days", "closures", "expected"),
    [
        (3, (), 3),
        (3, ((date(2026, 12, 8), date(2026, 12, 10)),), 6),
        (3, ((date(2026, 12, 10), date(2026, 12, 10)),), 4),
        (3, ((date(2026, 12, 11), date(2026, 12, 20)),), 3),
        (3, ((date(2026, 12, 1), date(2026, 12, 9)), (date(2026, 12, 9), date(2026, 12, 11))), 7),
    ],
)
def test_closed_days_do_not_count(days, closures, expected):
    assert skip_closures(days, MONDAY, closures) == expected
