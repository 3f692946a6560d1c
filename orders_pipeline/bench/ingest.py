"""Ingest: a first load and an increment of 5 % as whole processes, ours beside the raw floor and dlt, interleaved."""

from __future__ import annotations

import json
import shutil
import tempfile
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

import duckdb

from orders_pipeline.bench import child, trades
from orders_pipeline.bench.child import Cost
from orders_pipeline.bench.report import Table

Phase = Literal["initial", "increment"]
Against = Literal["none", "dlt", "dlt-tuned"]

PHASES: dict[Phase, str] = {"initial": "/reset", "increment": "/change"}
"""Phase -> what puts the server into it."""

CALLS_A_MINUTE = 60_000
"""The quota of the bench shop: never reached, so that no contestant waits. What a quota of 100 costs is arithmetic."""

_STANZA = """type: orders_pipeline.components.Shops
attributes:
  shops:
    - shop: bench
      platform: tmall
      gateway_url: {address}/router/rest
      calls_per_minute: {calls}
      backfill_days: {days}
"""

_SECRETS = {"TOP_APP_KEY": "bench", "TOP_APP_SECRET": "bench", "TOP_SESSION": "bench"}


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to load the orders. ``arguments``: what Python runs for a phase; ``orders``: a query that counts its orders."""

    name: str
    arguments: Callable[[str, Path, Phase], Sequence[str]]
    orders: Callable[[Path], tuple[Path, str]]
    rounds: int | None = None  # fewer than the others, where one takes minutes


def write_stanza(address: str, folder: Path) -> None:
    """``shops.yaml`` with the bench shop, whose gateway is at that address; its secrets are in ``environment``."""
    (folder / "shops.yaml").write_text(_STANZA.format(address=address, calls=CALLS_A_MINUTE, days=trades.DAYS))


def ours(address: str, folder: Path, phase: Phase) -> Sequence[str]:
    write_stanza(address, folder)
    step = "backfill" if phase == "initial" else "sync"
    return ["-m", "orders_pipeline.cli", step, "--data", str(folder / "data")]


def floor(address: str, folder: Path, phase: Phase) -> Sequence[str]:
    return ["-m", "orders_pipeline.bench.peers.floor", address, str(folder / "floor.duckdb"), *_span(phase)]


def dlt(style: str) -> Callable[[str, Path, Phase], Sequence[str]]:
    def arguments(address: str, folder: Path, phase: Phase) -> Sequence[str]:
        where = ["--folder", str(folder), address]
        return ["-m", "orders_pipeline.bench.peers.dlt_load", "--style", style, *where, *_span(phase)]

    return arguments


def _span(phase: Phase) -> Sequence[str]:
    """Axis, first instant and the first instant after the last, in Shanghai."""
    base = trades.BASE.replace(tzinfo=None)
    if phase == "initial":
        return "created", (base - timedelta(days=trades.DAYS)).isoformat(), base.isoformat()
    return "modified", base.isoformat(), (base + trades.LATER).isoformat()


OURS = Contestant("orders-pipeline", ours, lambda folder: (folder / "data" / "orders.duckdb", "core.orders"))
FLOOR = Contestant("raw floor", floor, lambda folder: (folder / "floor.duckdb", "orders"))
TUNED = Contestant("dlt, tuned", dlt("tuned"), lambda folder: (folder / "dlt.duckdb", "shop.orders"))
DEFAULT = Contestant("dlt, default", dlt("default"), lambda folder: (folder / "dlt.duckdb", "shop.orders"), rounds=1)


def contestants(against: Against) -> list[Contestant]:
    peers = {"none": [], "dlt": [TUNED, DEFAULT], "dlt-tuned": [TUNED]}
    return [OURS, FLOOR, *peers[against]]


def measure(
    runners: Sequence[Contestant], orders: int, latency_ms: float, rounds: int, tell: Callable[[str], None]
) -> dict[tuple[str, Phase], list[Cost]]:
    """Each contestant's costs, one entry a round. Raises RuntimeError where one fails or stores another number of orders."""
    costs: dict[tuple[str, Phase], list[Cost]] = {}
    with child.server(orders, latency_ms) as address:
        for number in range(rounds):
            for runner in runners:
                if runner.rounds is not None and number >= runner.rounds:
                    continue
                folder = Path(tempfile.mkdtemp(prefix="bench-"))
                try:
                    for phase in PHASES:
                        urllib.request.urlopen(address + PHASES[phase], b"").read()  # noqa: S310 - our own server
                        arguments = runner.arguments(address, folder, phase)
                        cost = child.run(arguments, folder, environment(folder))
                        _must_hold(runner, folder, orders)
                        costs.setdefault((runner.name, phase), []).append(cost)
                        tell(f"{runner.name}, {phase}: {cost.cpu:.2f} CPU s, {cost.wall:.1f} s, {cost.rss:.0f} MB")
                finally:
                    shutil.rmtree(folder, ignore_errors=True)
    return costs


def environment(folder: Path) -> dict[str, str]:
    return {**_SECRETS, "ORDERS_PIPELINE_SHOPS": str(folder / "shops.yaml")}


def _must_hold(runner: Contestant, folder: Path, orders: int) -> None:
    file, table = runner.orders(folder)
    with duckdb.connect(f"duckdb:{file.resolve()}", read_only=True) as con:
        (found,) = con.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
    if found != orders:
        raise RuntimeError(f"{runner.name} stored {found} orders of {orders}")


def table(title: str, costs: dict[tuple[str, Phase], list[Cost]], runners: Sequence[Contestant]) -> Table:
    """The least CPU of each, with the wall time and memory of the same round, and its multiple of ours."""
    best = {key: min(runs, key=lambda cost: cost.cpu) for key, runs in costs.items()}
    rows = []
    for runner in runners:
        row: list[str | float | int | None] = [runner.name]
        for phase in ("initial", "increment"):
            cost, us = best[runner.name, phase], best[OURS.name, phase]
            row += [cost.cpu, cost.cpu / us.cpu, cost.wall, round(cost.rss)]
        rows.append(row)
    columns = ["", *(f"{phase}: {what}" for phase in ("load", "5 %") for what in ("CPU s", "× ours", "wall s", "MB"))]
    return Table(title, columns, rows)


def facts(costs: dict[tuple[str, Phase], list[Cost]]) -> dict[str, list[list[float]]]:
    """Every round: contestant and phase -> [CPU seconds, wall seconds, MB]."""
    return {
        f"{name}, {phase}": [[cost.cpu, cost.wall, cost.rss] for cost in runs] for (name, phase), runs in costs.items()
    }


def floor_steps(costs: dict[tuple[str, Phase], list[Cost]]) -> Table:
    """Where the floor's seconds go."""
    best = min(costs[FLOOR.name, "initial"], key=lambda cost: cost.cpu)
    steps = json.loads(best.output)
    return Table(
        "The raw floor, step by step",
        ["start", "download", "parse and insert", "whole process"],
        [[steps["start"], steps["download"], steps["load"], best.cpu]],
    )
