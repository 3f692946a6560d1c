"""The shop follows the real month it was fitted to, and the calendar of a Chinese year."""

from __future__ import annotations

import statistics
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.sandbox.store import Store
from orders_pipeline.sandbox.world import World, demand
from orders_pipeline.sandbox.world.fit import fit, main
from orders_pipeline.sandbox.world.profile import DELAY_LEVELS, PROFILE
from orders_pipeline.sandbox.world.wire import day_number

MONTH = Path(__file__).parents[3] / "shared" / "data" / "tmall_orders_2020_02.parquet"
needs_month = pytest.mark.skipif(not MONTH.exists(), reason=f"the real month {MONTH.name} is not beside the repository")
START = datetime(2026, 3, 2, tzinfo=SHOP_TZ)


@pytest.fixture(scope="module")
def ordinary() -> Store:
    store = Store()
    World(store, 4, START, 300).advance(START + timedelta(days=45))
    return store


def settled(store: Store) -> list[dict]:
    """Trades old enough that payment, parcel and most refunds are behind them; presales pay by another clock."""
    until = (START + timedelta(days=20)).strftime("%Y-%m-%d")
    return [trade for trade in store.trades.values() if trade["created"] < until and trade["type"] == "fixed"]


@needs_month
def test_shipped_profile_is_the_fit_of_the_real_month():
    assert fit(MONTH) == PROFILE


@needs_month
def test_fit_prints_itself_as_python(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["fit", str(MONTH)])
    main()
    printed = capsys.readouterr().out
    assert printed.startswith("PROFILE = Profile(")
    assert repr(PROFILE.payment_delays) in printed


def test_hours_of_orders_follow_the_profile(ordinary):
    hours = Counter(int(trade["created"][11:13]) for trade in ordinary.trades.values())
    total = hours.total()
    for hour, share in enumerate(PROFILE.hour_shares):
        # four standard deviations of a share counted in this many orders
        assert hours[hour] / total == pytest.approx(share, abs=4 * (share / total) ** 0.5)


def test_unpaid_share_follows_the_profile(ordinary):
    trades = settled(ordinary)
    unpaid = sum("pay_time" not in trade for trade in trades) / len(trades)
    assert unpaid == pytest.approx(PROFILE.unpaid_share, abs=0.02)


def test_payment_delay_follows_the_profile(ordinary):
    def seconds(text: str) -> float:
        return datetime.fromisoformat(text).timestamp()

    delays = sorted(seconds(t["pay_time"]) - seconds(t["created"]) for t in settled(ordinary) if "pay_time" in t)
    for level in (0.1, 0.5, 0.9, 0.95):
        expected = PROFILE.payment_delays[DELAY_LEVELS.index(level)]
        assert delays[int(level * len(delays))] == pytest.approx(expected, rel=0.35, abs=3)
    assert max(delays) < 86_400


def test_refunded_share_follows_the_profile(ordinary):
    paid = [trade for trade in settled(ordinary) if "pay_time" in trade]
    back = Counter[int]()
    for refund in ordinary.refunds.values():
        if refund["status"] == "SUCCESS":
            back[refund["tid"]] += round(float(refund["refund_fee"]) * 100)
    refunded = [trade for trade in paid if back[trade["tid"]]]
    assert len(refunded) / len(paid) == pytest.approx(PROFILE.refunded_share, abs=0.025)


def test_orders_per_day_are_what_was_asked_for(ordinary):
    days = Counter(trade["created"][:10] for trade in ordinary.trades.values())
    assert statistics.mean(days.values()) == pytest.approx(300, rel=0.08)


@pytest.mark.parametrize(("peak", "least"), [((2026, 6, 18), 3.5), ((2026, 11, 11), 4.5), ((2026, 12, 12), 2.0)])
def test_peaks_stand_out_of_their_month(peak, least):
    day = day_number(date(*peak))
    ordinary = statistics.median(demand.level(day + offset) for offset in range(-14, 15))
    assert demand.level(day) > least * ordinary


def test_new_year_is_quiet_and_nothing_is_shipped():
    new_year = day_number(date(2026, 2, 17))
    assert demand.level(new_year) < 0.4
    assert demand.holiday(new_year)
    assert not demand.holiday(new_year + 10)


def test_summer_article_sells_in_summer():
    from orders_pipeline.sandbox.world.catalogue import build

    units = build(1, 40, day_number(date(2026, 1, 1)) * 86_400)
    summer, winter = (demand.weights(units, day_number(date(2026, month, 8))) for month in (7, 1))
    shirts = [unit.index for unit in units if "T恤" in unit.item["title"]]

    def share(cumulative) -> float:
        return sum(cumulative[i] - (cumulative[i - 1] if i else 0) for i in shirts)

    assert share(summer) > 2 * share(winter)
