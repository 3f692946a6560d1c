"""The Prometheus endpoint says of every shop what ``status`` says, each time it is asked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import httpx
from prometheus_client.parser import text_string_to_metric_families

from orders_pipeline.settings import DataFolder
from orders_pipeline.sync.ops import Ops
from orders_pipeline.warehouse import Warehouse
from orders_pipeline_tests.cli.conftest import NOW, Merchant

TEA = ("shop", "tea_tmall")
Samples = dict[tuple[object, ...], float]


def samples(text: str) -> Samples:
    """(name without prefix, *labels) -> value, read by Prometheus' own parser."""
    return {
        (sample.name.removeprefix("orders_pipeline_"), *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def once(merchant: Merchant) -> Samples:
    result = merchant.run("metrics", "--once")
    assert result.exit_code == 0, result.output
    return samples(result.stdout)


def fail(merchant: Merchant, calls: int) -> None:
    """So many calls of the shop failed, one a second."""
    ops = Ops(DataFolder(merchant.data).ops)
    for _ in range(calls):
        merchant.clock.advance(1)
        ops.log_call(merchant.clock.now(), "tea_tmall", "some.api", "", 1.0, "retryable", "", "")
    ops.close()


def test_a_loaded_shop_is_measured(loaded: Merchant) -> None:
    loaded.run("sync")
    found = once(loaded)
    assert found["orders", TEA] == len(loaded.sold())
    with duckdb.connect(str(loaded.data / "orders.duckdb"), read_only=True) as con:
        query = "SELECT epoch(max(window_end)) FROM ops.sync_windows WHERE api = 'taobao.trades.sold.increment.get'"
        assert (found["complete_until_timestamp_seconds", TEA],) == con.execute(query).fetchone()
    assert NOW.timestamp() <= found["tail_read_until_timestamp_seconds", TEA] <= loaded.clock.now().timestamp()
    last = Warehouse(DataFolder(loaded.data)).last_published()
    assert last is not None
    assert (found["published_copies_today",], found["published_bytes_today",]) == (last.day_copies, last.day_bytes)
    assert found["published_copies_today",] > 0
    loaded.clock.advance(86_400)
    assert once(loaded)["published_copies_today",] == 0
    assert found["ledger_holes", TEA] == found["differences", TEA] == found["quarantined_rows", TEA] == 0
    assert found["breaker_state", TEA, ("state", "closed")] == 1
    assert found["breaker_failure_ratio", TEA] == 0
    assert not [key for key in found if key[0] in ("open_incidents", "breaker_opened_timestamp_seconds")]
    assert found["problems",] == 2  # neither forecasts nor suggestions have been made


def test_an_open_breaker_is_measured_with_its_rate_and_since_when(loaded: Merchant) -> None:
    loaded.clock.advance(3_600)
    fail(loaded, 20)
    opened = loaded.clock.now()
    found = once(loaded)
    assert {state: found["breaker_state", TEA, ("state", state)] for state in ("closed", "open", "probing")} == {
        "closed": 0, "open": 1, "probing": 0,
    }  # fmt: skip
    assert (found["breaker_failure_ratio", TEA], found["breaker_calls", TEA]) == (1.0, 20)
    assert found["breaker_opened_timestamp_seconds", TEA] == opened.timestamp()
    loaded.clock.advance(61)
    assert once(loaded)["breaker_state", TEA, ("state", "probing")] == 1
    for _ in range(3):  # the shop is asked again, answers, and the breaker closes
        assert loaded.run("sync").exit_code == 0
    found = once(loaded)
    assert found["breaker_state", TEA, ("state", "closed")] == 1
    assert ("breaker_opened_timestamp_seconds", TEA) not in found


@contextmanager
def endpoint(merchant: Merchant) -> Iterator[str]:
    command = [sys.executable, "-m", "orders_pipeline.cli", "metrics", "--port", "0", "--data", str(merchant.data)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().split()[-1]
    finally:
        server.terminate()
        server.communicate(timeout=30)


def test_each_scrape_looks_anew(loaded: Merchant) -> None:
    with endpoint(loaded) as url:
        before = samples(httpx.get(url, trust_env=False, timeout=60).text)
        loaded.clock.advance(86_400)
        assert loaded.run("sync").exit_code == 0
        after = samples(httpx.get(url, trust_env=False, timeout=60).text)
    assert before["orders", TEA] < after["orders", TEA] == len(loaded.sold())


def test_before_anything_is_stored_there_is_nothing_to_fail_on(merchant: Merchant) -> None:
    found = once(merchant)
    assert found["orders", TEA] == 0
    assert ("complete_until_timestamp_seconds", TEA) not in found
    assert not merchant.data.exists()  # it only reads


def test_a_port_that_is_taken_is_one_line(merchant: Merchant) -> None:
    with endpoint(merchant) as url:
        taken = merchant.run("metrics", "--port", url.split(":")[2].split("/")[0])
    assert taken.exit_code == 1
    assert "choose another --port" in taken.stderr
    assert taken.stderr.count("\n") == 1
