"""The goals of speed, memory and latency, each with the sizes that it was set for."""

from __future__ import annotations

from orders_pipeline.bench.analytics import PARTS
from orders_pipeline.bench.find import Look, beside, cell, over, plus
from orders_pipeline.bench.goals import Goal, at_least, at_most

_LOAD = ("ingest", "50,000 orders, 0 ms", "orders-pipeline")
_SLOW = ("ingest", "50,000 orders, 50 ms", "orders-pipeline")


def _upsert(batch: int) -> Look:
    return cell("upsert", "Upsert", (1_000_000, batch), "CPU s")


def _tick(orders: int) -> Look:
    return cell("ticks", "A tick", orders, "CPU s")


def _analytics(what: str) -> tuple[Goal, Goal]:
    row = (10_000_000, what)
    daily, features, memory = (
        cell("analytics", "Analytics", row, column)
        for column in ("daily sales, CPU s", "history and features, CPU s", "MB")
    )
    name = f"10 M lines: daily sales and features, {what}"
    return (
        Goal("analytics", f"{name}: CPU s", plus(daily, features), at_most(2.5)),
        Goal("analytics", f"{name}: MB", memory, at_most(500)),
    )


def _replenish(column: str) -> Look:
    return cell("replenish", "Replenishment", 10_000, column)


def _latency(run: str, row: str) -> Look:
    return cell(f"latency-{run}", "Latency", row, "value")


SPEED = (
    Goal("ingest", "50,000 orders: load, CPU s", cell(*_LOAD, "load: CPU s"), at_most(3), beside(*_LOAD, "load: CPU s")),
    Goal("ingest", "50,000 orders: load, MB", cell(*_LOAD, "load: MB"), at_most(400), beside(*_LOAD, "load: MB")),
    Goal("ingest", "50,000 orders, 5 % changed, CPU s", cell(*_LOAD, "5 %: CPU s"), at_most(1), beside(*_LOAD, "5 %: CPU s")),
    Goal("ingest", "load: CPU of tuned dlt, × ours", cell(*_LOAD[:2], "dlt, tuned", "load: × ours"), at_least(4)),
    Goal("ingest", "50 ms an answer: load, CPU s", cell(*_SLOW, "load: CPU s"), None, beside(*_SLOW, "load: CPU s")),
    Goal("upsert", "100 orders into 1 M, CPU s", _upsert(100)),
    Goal("upsert", "5,000 orders into 1 M, CPU s", _upsert(5_000)),
    Goal("upsert", "100,000 orders into 1 M, CPU s", _upsert(100_000)),
    Goal("ticks", "2,500 changes: CPU with 10 M orders stored, × with 0.1 M", over(_tick(10_000_000), _tick(100_000))),
    Goal("publish", "1 M orders: CPU, × a plain copy's", cell("publish", "Publishing", 1_000_000, "ratio"), at_most(1.2)),
    *(goal for what in PARTS for goal in _analytics(what)),
    Goal("replenish", "10,000 SKUs: position and suggestions, s", _replenish("wall s"), at_most(10)),
    Goal("replenish", "10,000 SKUs: position and suggestions, CPU s", _replenish("CPU s")),
    Goal("startup", "runs that checks cost which find nothing", cell("startup", "Sensors", None, "runs that they asked for"),
         at_most(0)),
    Goal("startup", "a sync of one shop in all, CPU s", cell("startup", "Runs,", "sync_shop_1", "CPU s"), at_most(3.5)),
    Goal("startup", "run history of a shop and day, MB", cell("startup", "Run history", "sync_shop_1", "MB a day")),
    Goal("latency", "a run for each, 1 shop: p95 from change to row, s", _latency("run-1", "p95, s"), at_most(15)),
    Goal("latency", "a run for each, 1 shop: calls a minute, of 100", _latency("run-1", "calls a minute")),
    Goal("latency", "lingering, 1 shop: p95 from change to row, s", _latency("linger-1", "p95, s"), at_most(3)),
    Goal("latency", "lingering, 1 shop: calls a minute, of 100", _latency("linger-1", "calls a minute")),
    Goal("latency", "a run for each, 10 shops: runs that found every slot taken",
         _latency("run-10", "runs that found every slot taken"), at_most(0)),
    Goal("latency", "a run for each, 10 shops: p95 from change to row, s", _latency("run-10", "p95, s")),
    Goal("latency", "a run for each, 10 shops: calls a minute, of 100", _latency("run-10", "calls a minute")),
)  # fmt: skip
