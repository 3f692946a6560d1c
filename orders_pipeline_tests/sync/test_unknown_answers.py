"""What nobody has listed: rows that cannot be read and fields that were never sent are seen, told, and over when mended."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, NoReturn

import duckdb
import pytest
from starlette.middleware import Middleware

from orders_pipeline.cli.health import look, problems
from orders_pipeline.clock import shop_day
from orders_pipeline.platforms.taobao.drift import news
from orders_pipeline.platforms.taobao.pages import LISTS
from orders_pipeline.quality import SHOP_RULES, evaluate
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.settings import DataFolder
from orders_pipeline.sync import ShopSync, applying
from orders_pipeline.sync.incidents import tell_of_quarantine
from orders_pipeline.warehouse import Warehouse
from orders_pipeline_tests.conftest import living_sandbox
from orders_pipeline_tests.sync.fronts import Changed
from orders_pipeline_tests.warehouse.conftest import SteppedClock
from orders_pipeline_tests.warehouse.small_files import days

OpenSync = Callable[..., AbstractContextManager[ShopSync]]
RULE = next(rule for rule in SHOP_RULES if rule.name == "nothing_in_quarantine")


def read(folder: DataFolder, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(folder.published), read_only=True) as con:
        return con.execute(query).fetchall()


def open_incidents(folder: DataFolder, kind: str) -> list[str]:
    rows = read(folder, f"SELECT subject FROM ops.incidents WHERE kind = '{kind}' AND closed_at IS NULL ORDER BY 1")
    return [subject for (subject,) in rows]


def is_green(folder: DataFolder, sandbox: SandboxServer) -> bool:
    """The asset check and ``status``, which must agree."""
    with duckdb.connect(str(folder.published), read_only=True) as con:
        passed = evaluate(con, RULE, "tea_tmall").passed
    health = look(folder, ["tea_tmall"], sandbox.clock.now())
    assert passed == (
        not [line for line in problems(health, shop_day(sandbox.clock.now())) if "could not be read" in line]
    )
    return passed


class Poison:
    """One order whose payment is an object, in every list, until it is cured."""

    def __init__(self) -> None:
        self.tid = 0
        self.payment: Any = {"amount": "SENTINEL"}

    def __call__(self, method: str, answer: Any) -> Any:
        for response in answer.values():
            for trade in [*response.get("trades", {}).get("trade", []), *filter(None, [response.get("trade")])]:
                self.tid = self.tid or trade["tid"]
                if trade["tid"] == self.tid and self.payment is not None:
                    trade["payment"] = self.payment
        return answer


def test_a_row_that_cannot_be_read_is_red_until_a_newer_version_is(folder: DataFolder, open_sync: OpenSync) -> None:
    poison = Poison()
    with living_sandbox(1, 30, faults=[Middleware(Changed, change=poison)]) as sandbox, open_sync(sandbox) as sync:
        sync.backfill(1)
        assert read(folder, "SELECT count(*) > 5 FROM core.orders") == [(True,)]  # the others landed
        assert not is_green(folder, sandbox)
        assert open_incidents(folder, "quarantine") == ["taobao.trades.sold.get"]
        assert "SENTINEL" not in str(read(folder, "FROM ops.incidents") + read(folder, "FROM ops.quarantine"))
        poison.payment = None
        sandbox.clock.advance(60)
        sync.refetch_orders([str(poison.tid)])
        assert is_green(folder, sandbox)
        assert open_incidents(folder, "quarantine") == []


@pytest.mark.parametrize("joined", [False, True])
def test_an_upgrade_reads_it_from_the_raw_file_without_a_call(
    folder: DataFolder, open_sync: OpenSync, monkeypatch: pytest.MonkeyPatch, joined: bool
) -> None:
    """The mapping before could not read a text in ``created``; the one after can. The change of versions is what counts."""
    poison = Poison()
    poison.payment = "12.3.4"
    with living_sandbox(3, 10, faults=[Middleware(Changed, change=poison)]) as sandbox, open_sync(sandbox) as sync:
        sync.backfill(3)
        assert not is_green(folder, sandbox)
        if joined:
            clock = SteppedClock(sandbox.clock.now() + timedelta(days=1))
            days(Warehouse(folder, clock), clock)
            left = folder.raw.glob("trade_pages/shop=*/taobao.trades.sold.get/*")
            assert [path.name.partition("_")[0] for path in left] == ["joined"]
        calls = read(folder, "SELECT count(*) FROM ops.api_calls")
        before = read(folder, "FROM ops.quarantine")
        sync.apply_landed("trade_pages")
        assert read(folder, "FROM ops.quarantine") == before
        monkeypatch.setattr(applying, "mapping_version", lambda: "upgraded")
        sync.apply_landed("trade_pages")
        assert read(folder, "FROM ops.quarantine") == before  # tried again; still not readable, so still red
        assert not is_green(folder, sandbox)
        mend_the_raw_file(folder)
        monkeypatch.setattr(applying, "mapping_version", lambda: "upgraded again")
        sync.apply_landed("trade_pages")
        assert is_green(folder, sandbox)
        assert open_incidents(folder, "quarantine") == []
        assert read(folder, f"SELECT count(*) FROM core.orders WHERE order_id = '{poison.tid}'") == [(1,)]
        assert read(folder, "SELECT count(*) FROM ops.api_calls") == calls


def test_a_retry_that_failed_is_made_again(
    folder: DataFolder, open_sync: OpenSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is applied meanwhile: a full disk, or a lock that another holds for a minute, must not end it."""
    poison = Poison()
    with living_sandbox(1, 30, faults=[Middleware(Changed, change=poison)]) as sandbox, open_sync(sandbox) as sync:
        sync.backfill(1)
        mend_the_raw_file(folder)
        monkeypatch.setattr(applying, "mapping_version", lambda: "upgraded")
        with monkeypatch.context() as broken:
            broken.setattr(Warehouse, "apply_again", lambda *_, **__: fail("locked"))
            with pytest.raises(OSError, match="locked"):
                sync.apply_landed("trade_pages")
        sandbox.clock.advance(3_600)
        sync.sync()
        assert read(folder, f"SELECT count(*) FROM core.orders WHERE order_id = '{poison.tid}'") == [(1,)]
        assert read(folder, "SELECT value FROM ops.meta WHERE key LIKE 'mapping:%'") == [("upgraded",)]


def fail(text: str) -> NoReturn:
    raise OSError(text)


def test_without_an_upgrade_an_apply_asks_nothing_about_what_was_set_aside(
    folder: DataFolder, open_sync: OpenSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old rows in quarantine cost later transactions nothing: no copy is opened for them, and no view is asked."""
    poison = Poison()
    with living_sandbox(1, 30, faults=[Middleware(Changed, change=poison)]) as sandbox:
        with open_sync(sandbox) as sync:
            sync.backfill(1)
            poison.payment = None
            sync.refetch_orders([str(poison.tid)])
            assert is_green(folder, sandbox)
            assert read(folder, "SELECT count(*) FROM ops.quarantine") == [(1,)]
        with open_sync(sandbox) as later:
            ctx, opened = later._ctx, []
            ctx.ledger()
            monkeypatch.setattr(Warehouse, "read", lambda _: opened.append("read"))
            monkeypatch.setattr(Warehouse, "write", lambda *_, **__: opened.append("write"))
            assert applying.retry_quarantined(ctx).rows == {}
        assert opened == []
        with duckdb.connect() as nothing_there:  # neither the table nor the view: whoever asks them fails
            nothing_there.execute(
                "CREATE SCHEMA ops; CREATE TABLE ops.incidents (kind TEXT, shop TEXT, closed_at TIMESTAMPTZ)"
            )
            tell_of_quarantine(nothing_there, "tea_tmall", sandbox.clock.now(), rejected=False)


def mend_the_raw_file(folder: DataFolder) -> None:
    """Stands for a mapping that can read what stands there: the allow-list has marked and cut the value on arrival."""
    with duckdb.connect(":memory:") as con:
        for path in folder.raw.glob("trade_pages/shop=*/*/*.parquet"):
            con.execute(f"CREATE OR REPLACE TABLE page AS FROM read_parquet('{path}')")
            con.execute(
                'UPDATE page SET body = regexp_replace(body, \',"_misfit":\\[[^]]*\\]\', \',"payment":"1.00"\')'
            )
            con.execute(f"COPY page TO '{path}' (FORMAT parquet)")


def test_new_and_changed_fields_are_noted_by_name_and_raise_an_incident(
    folder: DataFolder, open_sync: OpenSync
) -> None:
    changes: list[bool] = []

    def change(method: str, answer: Any) -> Any:
        for trade in answer.get("trades_sold_increment_get_response", {}).get("trades", {}).get("trade", []):
            if changes:
                trade["loyalty_level"] = "SENTINEL"
                trade["receiver_city"] = ["SENTINEL"]
        return answer

    with living_sandbox(1, 100, faults=[Middleware(Changed, change=change)]) as sandbox, open_sync(sandbox) as sync:
        sync.backfill(1)
        sandbox.clock.advance(3_600)
        sync.sync()
        sync.snapshot_stock()
        sync.follow_parcels()
        assert read(folder, "FROM ops.schema_drift") == []  # what the platform always sends is no news
        changes.append(True)
        sandbox.clock.advance(3_600)
        sync.sync()
        assert [row[1:4] for row in read(folder, "FROM ops.schema_drift ORDER BY field")] == [
            ("taobao.trades.sold.increment.get", "trades.trade.loyalty_level", "new field, string"),
            ("taobao.trades.sold.increment.get", "trades.trade.receiver_city", "now array"),
        ]
        assert len(open_incidents(folder, "schema_drift")) == 2
        assert "SENTINEL" not in str(read(folder, "FROM ops.schema_drift") + read(folder, "FROM ops.incidents"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("trades.trade.tid", "now string"),
        ("trades.trade.orders.order.oid", "now string"),
        ("trades.trade.orders.order.surprise", "new field, string"),
        ("trades.trade.orders.order.combine_item_info.combine_sub_item_do.item_name", None),
        ("surprise", "new field, string"),
    ],
)
def test_what_is_news(path: str, expected: str | None) -> None:
    answer = LISTS["taobao.trades.sold.get"]
    assert news(answer.api, answer.allow.fields, {path: "string"}).get(path) == expected
