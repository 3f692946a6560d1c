"""Puts the parts together: what to buy today for every SKU, with date, risk, urgency, labels and reason.

``make_suggestions`` only reads; ``store_suggestions`` writes. The policy's arithmetic stands in ``policy.py``, what is read
in ``inputs.py`` and ``history.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from orders_pipeline.replenishment import history, inputs, levels, policy
from orders_pipeline.replenishment.inputs import Offer, Position
from orders_pipeline.replenishment.lead_time import lead_days, skip_closures
from orders_pipeline.replenishment.master import MasterData, PurchaseOrder
from orders_pipeline.replenishment.rows import NOTHING_DUE, PENDING, Computed, Suggestion, suggestion_row

if TYPE_CHECKING:
    import duckdb

    from orders_pipeline.replenishment.demand import Ints

HORIZON_DAYS = 120  # four months: the longest usual lead time and two months to look ahead
MAX_SNAPSHOT_AGE = timedelta(hours=24)  # stock is counted several times a day; a day without a count is a fault
MAX_FORECAST_AGE_DAYS = 2


@dataclass(frozen=True, slots=True)
class Suggestions:
    """All rows of a day, most urgent first. ``errors`` say in Chinese why SKUs got none; ``notes`` what was assumed."""

    made_on: date
    rows: tuple[Suggestion, ...]
    errors: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def to_order(self) -> tuple[Suggestion, ...]:
        """The rows with something to buy today."""
        return tuple(row for row in self.rows if row.quantity > 0)

    @property
    def amount(self) -> Decimal:
        """Yuan of all rows whose price is known."""
        return sum((row.amount for row in self.rows if row.amount is not None), Decimal(0))


def make_suggestions(
    con: duckdb.DuckDBPyConnection,
    made_on: date,
    master: MasterData,
    *,
    now: datetime,
    behind_shops: Sequence[str] = (),
) -> Suggestions:
    """What to order on ``made_on`` (Asia/Shanghai), from a read connection. ``now`` (aware) judges the age of the counts.

    ``behind_shops``: shops whose sync is late; their SKUs are labelled. The same tables give the same result, to the byte.
    """
    forecast_day, forecast = inputs.read_forecast_totals(con, made_on)
    positions, errors = _usable(inputs.read_positions(con, made_on), now)
    notes = [f"缺少主数据 {name}：相关功能关闭" for name in master.missing]
    if forecast_day is None or (made_on - forecast_day).days > MAX_FORECAST_AGE_DAYS:
        last = f"最近一次 {forecast_day.isoformat()}" if forecast_day else "还没有预测"
        return Suggestions(
            made_on, (), (*errors, f"销量预测超过48小时（{last}）：不给采购建议，请先运行预测"), tuple(notes)
        )
    snoozed = inputs.read_snoozed(con, made_on)
    positions = [position for position in positions if position.merchant_sku not in snoozed]
    if not positions:
        return Suggestions(made_on, (), tuple(errors) or ("没有可用的库存数据：请先同步库存",), tuple(notes))
    skus = [position.merchant_sku for position in positions]
    listings = inputs.read_listings(con)
    offers = inputs.offers(skus, listings, master, made_on)
    past = history.read_history(con, made_on, skus)
    computed = _compute(positions, offers, past, forecast, master, made_on)
    late = _late_orders(master.purchase_orders, made_on)
    rows = [
        suggestion_row(
            computed,
            index,
            positions[index],
            offers[index],
            listings.get(sku),
            late.get(sku, ()),
            behind_shops,
            forecast_day,
        )
        for index, sku in enumerate(skus)
    ]
    if not computed.estimate.fitted:
        notes.append("销售历史不足，需求权重用默认值")
    rows.sort(key=lambda row: (row.urgency, -row.risk * row.daily_demand, row.merchant_sku))
    return Suggestions(made_on, tuple(rows), tuple(errors), tuple(notes))


def store_suggestions(con: duckdb.DuckDBPyConnection, suggestions: Suggestions) -> int:
    """Replace the day's rows, except those on which a person has decided: they stay, and their SKU gets no second row.

    Runs in the caller's transaction; returns the number of rows written.
    """
    con.execute(
        "DELETE FROM planning.replenishment_suggestions WHERE made_on = ? AND state IN (?, ?)",
        [suggestions.made_on, PENDING, NOTHING_DUE],
    )
    decided = {
        row[0]
        for row in con.execute(
            "SELECT merchant_sku FROM planning.replenishment_suggestions WHERE made_on = ?", [suggestions.made_on]
        ).fetchall()
    }
    rows = [row for row in suggestions.rows if row.merchant_sku not in decided]
    if not rows:
        return 0
    names = [field.name for field in fields(Suggestion)]
    # one bound list a column: DuckDB's executemany takes about a millisecond a row
    columns = ", ".join(f"unnest(${name}) AS {name}" for name in names)
    con.execute(
        f"INSERT INTO planning.replenishment_suggestions BY NAME SELECT {columns}",
        {name: [getattr(row, name) for row in rows] for name in names},
    )
    return len(rows)


def _usable(positions: Sequence[Position], now: datetime) -> tuple[list[Position], list[str]]:
    """Positions to work with, and a line for each kind of those that are not."""
    stale = [position for position in positions if now - position.snapshot_at > MAX_SNAPSHOT_AGE]
    dropped = {position.merchant_sku for position in stale}
    negative = [position for position in positions if position.on_hand < 0 and position.merchant_sku not in dropped]
    dropped.update(position.merchant_sku for position in negative)
    errors = []
    if stale:
        oldest = min(position.snapshot_at for position in stale)
        names = "、".join(position.merchant_sku for position in stale[:5])
        errors.append(
            f"库存快照超过24小时：{len(stale)}个商品不给建议（{names}{'…' if len(stale) > 5 else ''}，"
            f"最旧{oldest.astimezone(now.tzinfo).isoformat(timespec='minutes')}），请先同步库存"
        )
    if negative:
        names = "、".join(position.merchant_sku for position in negative[:5])
        errors.append(f"在库为负：{len(negative)}个商品不给建议（{names}），请核对库存")
    return [position for position in positions if position.merchant_sku not in dropped], errors


def _compute(
    positions: Sequence[Position],
    offers: Sequence[Offer],
    past: history.History,
    forecast: Mapping[str, float],
    master: MasterData,
    made_on: date,
) -> Computed:
    import numpy as np

    skus = past.skus
    leads = lead_days([offer.lead.mean for offer in offers], [offer.lead.deviation for offer in offers])
    for index, offer in enumerate(offers):
        if offer.closures:
            leads[index] = [skip_closures(int(days), made_on, offer.closures) for days in leads[index]]
    review = np.array([offer.review_days for offer in offers])
    horizon = max(HORIZON_DAYS, int((leads.max(axis=1) + review).max()) + policy.ORDER_AHEAD_DAYS)
    forecasts = np.array([forecast.get(sku, np.nan) for sku in skus], dtype=float)
    before, coming = levels.day_factors(past, made_on, horizon, master.events)
    estimate = levels.estimate_demand(past, before, coming, forecasts, [offer.category for offer in offers])
    stated = {sku: offer.service_class for sku, offer in zip(skus, offers, strict=True)}
    classes = inputs.service_classes(skus, past.revenue_90_days.tolist(), stated)
    terms = policy.Terms(
        lead_days=leads,
        review_days=review,
        cycle_days=np.array([offer.cycle_days for offer in offers]),
        service=np.array([inputs.SERVICE_LEVELS[name] for name in classes]),
        moq=np.array([offer.moq for offer in offers]),
        pack=np.array([offer.pack for offer in offers]),
        shelf_cap=np.array([np.inf if offer.shelf_cap is None else float(offer.shelf_cap) for offer in offers]),
    )
    returns = np.array([int(position.returns_expected) for position in positions])
    stock = policy.Stock(
        on_hand=np.array([position.on_hand for position in positions]),
        reserved=np.array([position.reserved for position in positions]),
        frozen=np.array([position.frozen for position in positions]),
        on_order=np.array([position.on_order for position in positions]),
        conversion=np.array([position.frozen_conversion for position in positions]),
        returns=returns,
        arrivals=_arrivals(master.purchase_orders, skus, made_on, horizon),
    )
    decision = policy.decide(estimate.demand, stock, terms)
    return Computed(
        made_on=made_on,
        decision=decision,
        estimate=estimate,
        terms=terms,
        returns=returns,
        urgency=policy.urgency(decision, estimate.dead | estimate.never_sold),
        rule=policy.erp_rule(
            past.sales_7_days.astype(float),
            stock.on_hand - stock.reserved,
            stock.on_order,
            np.floor(leads.mean(axis=1) + 0.5),
            terms.cycle_days,
        ),
        past=past,
        forecast=forecasts,
    )


def _arrivals(orders: Sequence[PurchaseOrder], skus: Sequence[str], made_on: date, horizon: int) -> Ints:
    """Cumulated units due by the morning of each day; a late order's day is not known, so it does not count."""
    import numpy as np

    row = {sku: index for index, sku in enumerate(skus)}
    due = np.zeros((len(skus), horizon + 1), dtype=np.int64)
    for order in orders:
        if order.sku in row and order.eta is not None and not order.draft:
            day = (order.eta - made_on).days + 1
            if 1 <= day <= horizon:
                due[row[order.sku], day] += order.units_left
    cumulated: Ints = np.cumsum(due, axis=1)
    return cumulated


def _late_orders(orders: Sequence[PurchaseOrder], made_on: date) -> dict[str, tuple[str, ...]]:
    late: dict[str, tuple[str, ...]] = {}
    for order in orders:
        if order.eta is not None and order.eta < made_on and order.units_left > 0 and not order.draft:
            late[order.sku] = (*late.get(order.sku, ()), order.po)
    return late
