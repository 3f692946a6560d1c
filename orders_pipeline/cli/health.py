"""What ``status`` knows: facts about each shop and about planning, and which of them need a person.

Reads the published copy and ``ops.sqlite``; writes nothing, calls no platform. How it looks is ``status.py``'s business.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from orders_pipeline.clock import shop_day
from orders_pipeline.platforms.base import FeedName, Window
from orders_pipeline.platforms.taobao.feeds import FEEDS
from orders_pipeline.settings import DataFolder
from orders_pipeline.sync.breaker import Breaker
from orders_pipeline.sync.breaker import read as read_breaker
from orders_pipeline.sync.ledger import Ledger
from orders_pipeline.sync.windows import merge, wall

if TYPE_CHECKING:
    import duckdb

    from orders_pipeline.quality import Difference, Freshness

STALE_PLAN_AFTER_DAYS = 1
"""Forecasts and suggestions are made every morning: yesterday's are in use until today's are there."""

REFUSED = ("session", "permission", "request", "unknown")
"""Outcomes of a call that no retry mends."""


@dataclass
class ShopHealth:
    """One shop."""

    shop: str
    fresh: Freshness | None = None  # None: nothing has been stored of any shop
    tail: datetime | None = None  # newest instant that the tail has read up to
    loaded: bool = False  # a full pull has been made: increments alone begin with what changed lately
    orders: int = 0
    holes: list[tuple[str, Window]] = field(default_factory=list)  # (api, what no window covers between two that do)
    lost: list[tuple[str, Window]] = field(
        default_factory=list
    )  # holes behind the platform's wall: nobody can fill them
    reconciled_at: datetime | None = None
    differences: list[Difference] = field(default_factory=list)
    last_call: tuple[str, str] | None = None  # outcome and code of the newest call
    breaker: Breaker = field(default_factory=Breaker)
    quarantined: int = 0  # rows that the platform sent and that no table has


@dataclass
class Health:
    """Everything that ``status`` shows; ``problems`` are the lines that need a person."""

    shops: dict[str, ShopHealth] = field(default_factory=dict)
    forecast_on: date | None = None
    forecast_skus: int = 0
    suggested_on: date | None = None
    suggestions: int = 0
    incidents: list[tuple[str, str, str, datetime, str]] = field(
        default_factory=list
    )  # kind, shop, subject, since, detail
    published_at: datetime | None = None
    published_today: tuple[int, int] = (0, 0)  # copies for readers, and bytes written for them


def look(folder: DataFolder, shops: Iterable[str], now: datetime) -> Health:
    """Facts about the named shops; a folder that does not exist yet gives an empty picture."""
    health = Health({shop: ShopHealth(shop) for shop in shops})
    if folder.published.exists():
        from orders_pipeline.warehouse import Warehouse

        health.published_at = datetime.fromtimestamp(folder.published.stat().st_mtime, UTC)
        last = Warehouse(folder).last_published()
        health.published_today = last.written_on(shop_day(now)) if last else (0, 0)
        with Warehouse(folder).read() as con:
            _read_shops(con, health, now)
            _read_planning(con, health)
    if folder.ops.exists():
        with closing(sqlite3.connect(f"file:{folder.ops}?mode=ro", uri=True)) as ops:
            _read_ops(ops, health, now)
    return health


def problems(health: Health, today: date) -> list[str]:
    """One line for each thing that needs a person."""
    found = []
    for shop in health.shops.values():
        found += _shop_problems(shop)
    if any(shop.orders for shop in health.shops.values()):
        for what, made_on, command in (
            ("forecasts", health.forecast_on, "forecast"),
            ("suggestions", health.suggested_on, "replenish"),
        ):
            if made_on is None or (today - made_on).days > STALE_PLAN_AFTER_DAYS:
                found.append(f"{what}: last made {made_on or 'never'}; run `orders-pipeline {command}`")
    counts = Counter((kind, shop) for kind, shop, *_ in health.incidents)
    return found + [f"{shop}: {count} open incident(s) {kind}" for (kind, shop), count in counts.items()]


def _shop_problems(shop: ShopHealth) -> list[str]:
    found = []
    if shop.last_call and shop.last_call[0] in REFUSED:
        outcome, code = shop.last_call
        found.append(
            f"{shop.shop}: the platform refused the last call ({outcome}, code {code or '-'}); "
            f"run `orders-pipeline shops check {shop.shop}`"
        )
    if shop.breaker.is_open:
        found.append(f"{shop.shop}: breaker {shop.breaker}; increments pause, the last 48 hours are read once an hour")
    if shop.fresh is None or shop.fresh.covered_until is None:
        found.append(f"{shop.shop}: never synced; run `orders-pipeline backfill --shop {shop.shop}`, then `sync`")
    elif not shop.loaded:
        found.append(
            f"{shop.shop}: orders from before {shop.fresh.covered_until:%Y-%m-%d} were never loaded; "
            f"run `orders-pipeline backfill --shop {shop.shop}`"
        )
    elif shop.fresh.too_late:
        found.append(f"{shop.fresh} Run `orders-pipeline sync --shop {shop.shop}`")
    if shop.holes:
        found.append(f"{shop.shop}: {len(shop.holes)} hole(s) in what was read; run `orders-pipeline sync`")
    if shop.quarantined:
        found.append(
            f"{shop.shop}: {shop.quarantined} row(s) of the platform could not be read and are in no table; "
            "see ops.quarantine_open, upgrade orders-pipeline or report the reason"
        )
    return found + [
        f"{one}; run `orders-pipeline reconcile{f' --day {one.day}' if one.one_day else ''}`"
        for one in shop.differences
    ]


def _read_shops(con: duckdb.DuckDBPyConnection, health: Health, now: datetime) -> None:
    from orders_pipeline.quality import differences, freshness

    for slug, shop in health.shops.items():
        ledger = Ledger.read(con, slug)
        shop.loaded = ledger.first_read(FEEDS[FeedName.ORDERS_BY_CREATED].api) is not None
        shop.fresh = freshness(con, slug, FEEDS[FeedName.ORDERS_BY_MODIFIED], now)
        # lists by created have gaps by design: what is new since comes with the increments
        for feed in (FEEDS[FeedName.ORDERS_BY_MODIFIED], FEEDS[FeedName.REFUNDS_BY_MODIFIED]):
            for before, after in pairwise(merge(ledger.covered(feed.api))):
                found = shop.lost if after.start <= wall(feed, now) else shop.holes
                found.append((feed.api, Window(before.end, after.start)))
    for slug, count in con.execute("SELECT shop, count(*) FROM core.orders GROUP BY shop").fetchall():
        if slug in health.shops:
            health.shops[slug].orders = count
    for slug, count in con.execute("SELECT shop, count(*) FROM ops.quarantine_open GROUP BY shop").fetchall():
        if slug in health.shops:
            health.shops[slug].quarantined = count
    for slug, at in con.execute("SELECT shop, max(checked_at) FROM ops.reconciliations GROUP BY shop").fetchall():
        if slug in health.shops:
            health.shops[slug].reconciled_at = at
    for difference in differences(con, shop_day(now)):
        if difference.shop in health.shops:
            health.shops[difference.shop].differences.append(difference)


def _read_planning(con: duckdb.DuckDBPyConnection, health: Health) -> None:
    health.forecast_on, health.forecast_skus = _newest(con, "sales_forecast_totals")
    health.suggested_on, health.suggestions = _newest(con, "replenishment_suggestions")
    health.incidents = con.execute(
        "SELECT kind, shop, subject, opened_at, coalesce(detail, '') FROM ops.incidents"
        " WHERE closed_at IS NULL ORDER BY opened_at"
    ).fetchall()


def _newest(con: duckdb.DuckDBPyConnection, table: str) -> tuple[date | None, int]:
    """Newest made_on of a planning table and its rows."""
    row = con.execute(
        f"SELECT made_on, count(*) FROM planning.{table} GROUP BY made_on ORDER BY made_on DESC LIMIT 1"
    ).fetchone()
    return (row[0], row[1]) if row else (None, 0)


def _read_ops(ops: sqlite3.Connection, health: Health, now: datetime) -> None:
    for shop in health.shops.values():
        row = ops.execute(
            "SELECT outcome, code FROM api_calls WHERE shop = ? ORDER BY call_id DESC LIMIT 1", (shop.shop,)
        ).fetchone()
        shop.last_call = (row[0], row[1]) if row else None
        shop.breaker = read_breaker(ops, shop.shop, now)
        row = ops.execute("SELECT max(mark) FROM tail_marks WHERE shop = ?", (shop.shop,)).fetchone()
        shop.tail = datetime.fromisoformat(row[0]) if row[0] else None
