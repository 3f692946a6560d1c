"""The assets of one shop. Each body asks ``ShopSync`` for one step and reports what it did; no logic lives here."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from orders_pipeline.components.catalogue import SHOP_TABLES, table_asset
from orders_pipeline.components.reports import numbers, pulled, rows_of_shop
from orders_pipeline.components.resources import Pipeline
from orders_pipeline.components.steps import RETRY_FETCH, failing_in_one_line
from orders_pipeline.shops import Shop

if TYPE_CHECKING:
    from orders_pipeline.sync import PullReport, ShopSync, SyncReport

DEFAULT_OWNERS = ("team:ops",)
"""Who owns a shop whose stanza names nobody."""


class FullPull(dg.Config):
    """What of the full pull to read. Empty = the days of ``backfill_days`` that have not been read."""

    since: str = ""  # first day to read, 2026-11-01
    until: str = ""  # last day to read
    refetch_days: list[str] = []  # noqa: RUF012 - days to read again, whatever has been read; Dagster's Config copies it


def shop_assets(shop: Shop) -> list[dg.AssetsDefinition]:
    """Raw pages, orders and lines, refunds, parcels and stock of one shop."""
    return [*_raw_assets(shop), *_table_assets(shop)]


def _raw_assets(shop: Shop) -> list[dg.AssetsDefinition]:
    @table_asset(**_shown(shop, "raw_full_pages"), retry_policy=RETRY_FETCH)
    def raw_full_pages(
        context: dg.AssetExecutionContext, config: FullPull, pipeline: dg.ResourceParam[Pipeline]
    ) -> dg.MaterializeResult[Any]:
        with _reading(context, pipeline, shop) as sync:
            again = [_day(text) for text in config.refetch_days]
            if again:
                return pulled(pipeline, shop.shop, _sum(sync.refetch_days(again)))
            since, until = (_day(text) if text else None for text in (config.since, config.until))
            return pulled(pipeline, shop.shop, sync.pull_full(since, until))

    # increments begin where the full pull began: on a first load they must come second
    @table_asset(
        **_shown(shop, "raw_incremental_pages"), deps=[[shop.shop, "raw_full_pages"]], retry_policy=RETRY_FETCH
    )
    def raw_incremental_pages(
        context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
    ) -> dg.MaterializeResult[Any]:
        with _reading(context, pipeline, shop) as sync:
            windows, tail = sync.pull_increments(), sync.read_tail()
            result = pulled(pipeline, shop.shop, windows)
            return result._replace(metadata={**(result.metadata or {}), "tail_rows": tail.rows})

    @table_asset(**_shown(shop, "raw_refund_pages"), retry_policy=RETRY_FETCH)
    def raw_refund_pages(
        context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
    ) -> dg.MaterializeResult[Any]:
        with _reading(context, pipeline, shop) as sync:
            return pulled(pipeline, shop.shop, sync.pull_refunds())

    return [raw_full_pages, raw_incremental_pages, raw_refund_pages]


def _table_assets(shop: Shop) -> list[dg.AssetsDefinition]:
    pages = [[shop.shop, "raw_full_pages"], [shop.shop, "raw_incremental_pages"]]

    @dg.multi_asset(
        name=f"{shop.shop}__orders",
        specs=[dg.AssetSpec(**_shown(shop, name), deps=pages) for name in ("orders", "order_lines")],
    )
    def orders(
        context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
    ) -> Iterator[dg.MaterializeResult[Any]]:
        with _reading(context, pipeline, shop) as sync:
            report = sync.apply_landed("trade_pages")
            for name in ("orders", "order_lines"):
                yield _applied(pipeline, shop, name, numbers(report))

    @table_asset(**_shown(shop, "refunds"), deps=[[shop.shop, "raw_refund_pages"]])
    def refunds(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult[Any]:
        with _reading(context, pipeline, shop) as sync:
            return _applied(pipeline, shop, "refunds", numbers(sync.apply_landed("refund_pages")))

    @table_asset(**_shown(shop, "parcels"), deps=[[shop.shop, "orders"]], retry_policy=RETRY_FETCH)
    def parcels(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult[Any]:
        with _reading(context, pipeline, shop) as sync:
            return _applied(pipeline, shop, "parcels", _step(sync.follow_parcels()))

    @table_asset(**_shown(shop, "stock"), retry_policy=RETRY_FETCH)
    def stock(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult[Any]:
        with _reading(context, pipeline, shop) as sync:
            return _applied(pipeline, shop, "stock", _step(sync.snapshot_stock()))

    return [orders, refunds, parcels, stock]


def _shown(shop: Shop, name: str) -> dict[str, Any]:
    """Key, place and text of one of the shop's assets."""
    table = SHOP_TABLES[name]
    return {
        "key": [shop.shop, name],
        "group_name": f"shops/{shop.shop}",
        "description": table.description(shop=shop.shop),
        "owners": list(shop.owners or DEFAULT_OWNERS),
        "kinds": set(table.kinds),
        "tags": {"orders_pipeline/shop": shop.shop, "orders_pipeline/platform": shop.platform},
        "metadata": table.metadata(),
    }


@contextmanager
def _reading(context: dg.AssetExecutionContext, pipeline: Pipeline, shop: Shop) -> Iterator["ShopSync"]:
    """The shop, open under this run's name, its errors told in one line."""
    run_id = context.run.run_id
    with failing_in_one_line(), pipeline.open_shop(shop, run_id, f"Dagster run {run_id}") as sync:
        yield sync


def _applied(pipeline: Pipeline, shop: Shop, name: str, counts: dict[str, Any]) -> dg.MaterializeResult[Any]:
    known = rows_of_shop(pipeline, SHOP_TABLES[name].table, shop.shop)
    return dg.MaterializeResult(
        asset_key=dg.AssetKey([shop.shop, name]), metadata={"dagster/row_count": known, **counts}
    )


def _step(report: "SyncReport") -> dict[str, Any]:
    return {"calls": report.calls, "rows_read": report.rows, **numbers(report.applied)}


def _sum(report: "SyncReport") -> "PullReport":
    total, *others = report.pulled
    for other in others:
        total += other
    return total


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise dg.Failure(f"{text!r} is not a day: write it as 2026-11-01.", allow_retries=False) from None
