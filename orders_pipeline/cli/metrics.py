"""``orders-pipeline metrics``: what ``status`` knows, for Prometheus. What the facts are is ``health.py``'s business.

Nothing is counted here while the command runs: each scrape reads the published copy and ``ops.sqlite`` anew, so that the
numbers are right whichever process did the work, and whenever this one was started.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from orders_pipeline.cli.console import tell
from orders_pipeline.cli.options import data_option
from orders_pipeline.clock import Clock, shop_day
from orders_pipeline.light import without_pandas
from orders_pipeline.settings import DataFolder, UserError, data_folder
from orders_pipeline.shops import read_stanzas

if TYPE_CHECKING:
    from prometheus_client.core import Metric
    from prometheus_client.registry import CollectorRegistry

    from orders_pipeline.cli.health import Health

PORT = 9464
"""What exporters of an application use by default since OpenTelemetry; free on a machine that runs Dagster's 3000."""


@click.command()
@data_option
@click.option("--port", type=click.IntRange(0, 65_535), default=PORT, show_default=True, help="0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--once", is_flag=True, help="Print the metrics and end: for a textfile collector.")
@click.pass_obj
def metrics(clock: Clock, data: Path | None, port: int, host: str, once: bool) -> None:
    """Serve freshness, holes, breaker state, differences and open incidents to Prometheus.

    Reads only; calls no platform. Runs until Ctrl-C.

    \b
    Example:
      orders-pipeline metrics --port 9464     # http://127.0.0.1:9464/metrics
      orders-pipeline metrics --once > /var/lib/node_exporter/orders.prom
    """
    from prometheus_client import generate_latest, start_http_server

    registry = registry_of(data_folder(data), clock)
    if once:
        click.echo(generate_latest(registry).decode(), nl=False)
        return
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise UserError(
            f"Cannot listen at {host}:{port} ({error.strerror}): choose another --port or --host."
        ) from None
    tell(f"Metrics at http://{host}:{server.server_port}/metrics")
    thread.join()


def registry_of(folder: DataFolder, clock: Clock) -> CollectorRegistry:
    """A registry whose every collection looks at the folder and at the shops as they are then."""
    from prometheus_client.registry import Collector, CollectorRegistry

    alone = threading.Lock()  # scrapes come in threads, and what keeps pandas out is the process's

    class Look(Collector):
        def collect(self) -> Iterable[Metric]:
            from orders_pipeline.cli.health import look

            with alone, without_pandas():
                shops, _ = read_stanzas()
                return list(families(look(folder, [shop.shop for shop in shops], clock.now()), clock.now()))

        def describe(self) -> Iterable[Metric]:
            return []  # or registering would look, at a folder that may not be there yet

    registry = CollectorRegistry()
    registry.register(Look())
    return registry


def families(health: Health, now: datetime) -> Iterator[Metric]:
    """Gauges, labelled by shop; what is not known yet is left out. Times are Unix seconds."""
    from prometheus_client.core import GaugeMetricFamily

    from orders_pipeline.cli.health import problems
    from orders_pipeline.sync.breaker import State

    shops = list(health.shops.values())

    def gauge(name: str, text: str, values: Iterable[tuple[tuple[str, ...], float | None]], *labels: str) -> Metric:
        family = GaugeMetricFamily(f"orders_pipeline_{name}", text, labels=labels)
        for of, value in values:
            if value is not None:
                family.add_metric(of, value)
        return family

    def of_shops(name: str, text: str, values: Iterable[float | None]) -> Metric:
        return gauge(name, text, (((s.shop,), value) for s, value in zip(shops, values, strict=True)), "shop")

    yield gauge(
        "breaker_state",
        "1 at the state of the shop's breaker, 0 at the others.",
        (((s.shop, state), s.breaker.state == state) for s in shops for state in get_args(State)),
        "shop",
        "state",
    )
    yield of_shops(
        "breaker_failure_ratio",
        "Failed share of the calls of the last ten minutes, or of those that opened the breaker.",
        (s.breaker.failures / s.breaker.calls if s.breaker.calls else None for s in shops),
    )
    yield of_shops("breaker_calls", "The calls of that share.", (s.breaker.calls for s in shops))
    yield of_shops(
        "breaker_opened_timestamp_seconds",
        "Since when the breaker is open.",
        (_unix(s.breaker.opened_at) for s in shops),
    )
    yield of_shops(
        "complete_until_timestamp_seconds",
        "Up to when every change of an order is here.",
        (_unix(s.fresh.covered_until if s.fresh else None) for s in shops),
    )
    yield of_shops("tail_read_until_timestamp_seconds", "Up to when the tail was read.", (_unix(s.tail) for s in shops))
    yield of_shops(
        "ledger_holes", "Stretches that no window covers between two that do.", (len(s.holes) for s in shops)
    )
    yield of_shops(
        "reconciled_timestamp_seconds", "Last comparison with the platform.", (_unix(s.reconciled_at) for s in shops)
    )
    yield of_shops(
        "differences", "Compared windows that still differ from the platform.", (len(s.differences) for s in shops)
    )
    yield of_shops("quarantined_rows", "Rows of the platform that are in no table.", (s.quarantined for s in shops))
    yield of_shops("orders", "Orders that are here.", (s.orders for s in shops))
    incidents = Counter((shop, kind) for kind, shop, *_ in health.incidents)
    yield gauge("open_incidents", "Incidents that are not over.", incidents.items(), "shop", "kind")
    published = [((), _unix(health.published_at))]
    yield gauge("published_timestamp_seconds", "When the copy for readers was made.", published)
    copies, written = health.published_today
    yield gauge("published_copies_today", "Copies for readers made since midnight in Shanghai.", [((), copies)])
    yield gauge("published_bytes_today", "Bytes written for them.", [((), written)])
    count = [((), float(len(problems(health, shop_day(now)))))]
    yield gauge("problems", "Things that need a person; `orders-pipeline status` names them.", count)


def _unix(instant: datetime | None) -> float | None:
    return instant.timestamp() if instant else None
