"""Sentinels in every personal and free-text field that a platform could send, through every input and real Dagster runs;
then everything that was written anywhere is decoded and searched.
"""

from __future__ import annotations

import io
import json
import logging
import re
import sqlite3
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from click.testing import CliRunner
from starlette.middleware import Middleware

from orders_pipeline.cli import main
from orders_pipeline.components.resources import Pipeline
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.settings import DATA_ENV, DataFolder
from orders_pipeline.shops import SHOPS_ENV
from orders_pipeline_tests.conftest import living_sandbox, shop_of
from orders_pipeline_tests.defs.conftest import load, stanza_file, stanza_of
from orders_pipeline_tests.sync.fronts import Changed

MARK = "哨兵Sentinel"
PHONE = "13987650000"
PERSONAL = (
    "buyer_nick", "buyer_open_uid", "buyer_alipay_no", "alipay_no", "alipay_id", "buyer_email", "buyer_ip", "buyer_message",
    "buyer_memo", "seller_memo", "trade_memo", "receiver_name", "receiver_mobile", "receiver_phone", "receiver_address",
    "receiver_town", "receiver_zip", "oaid", "desc", "reason", "seller_nick", "courier", "content", "msg", "status_desc",
    "invoice_name", "id_card", "some_new_field",
)  # fmt: skip
SENTINELS = re.compile("|".join(map(re.escape, ("Sentinel", "哨兵", PHONE, json.dumps("哨兵")[1:-1]))))
SECRETS = re.compile("sandbox-secret|sandbox-session")
FREE_TEXT = {"status_desc", "desc", "reason", "seller_memo", "buyer_message"}
JOBS = (
    ("load_tea_tmall", None),
    ("sync_tea_tmall", None),
    ("messages_tea_tmall", None),
    ("reconcile", "2026-01-14"),
    ("plan", None),
)


def sentinel(name: str) -> str:
    return f"{MARK}-{name}-{PHONE}"


@dataclass
class Leaky:
    """A platform that answers with more than was asked for, puts people into its texts, and now and then errs with them."""

    calls: int = 0
    refused: list[str] = field(default_factory=list)
    sick: bool = False

    def __call__(self, method: str, answer: Any) -> Any:
        self.calls += 1
        if self.sick:
            self.refused.append(method)
            return self._error(99_999)
        if self.calls % 15 == 0:
            self.refused.append(method)
            return self._error(15, "isp.remote-service-error")
        return {root: self._stuffed(body) for root, body in answer.items()}

    def _error(self, code: int, sub_code: str = "") -> Any:
        texts = {name: sentinel(name) for name in ("msg", "sub_msg", "request_id", "receiver_name")}
        return {"error_response": {"code": code, "sub_code": sub_code or sentinel("sub_code"), **texts}}

    def _stuffed(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._stuffed(one) for one in value]
        if not isinstance(value, dict):
            return value
        stuffed = {name: self._stuffed(one) for name, one in value.items()}
        if isinstance(stuffed.get("content"), str) and stuffed["content"].startswith("{"):  # a message
            stuffed["content"] = json.dumps(
                json.loads(stuffed["content"]) | {name: sentinel(name) for name in PERSONAL}
            )
            return stuffed | {"user_nick": sentinel("user_nick")}
        for name in PERSONAL:
            if name not in stuffed or name in FREE_TEXT:
                stuffed[name] = sentinel(name)
        stuffed[sentinel("name")] = "as a key"
        if "payment" in stuffed and self.calls % 9 == 0:  # a row that does not fit
            stuffed["payment"] = {"receiver_name": sentinel("payment")}
            stuffed["type"] = sentinel("type")
        return stuffed


@dataclass
class Lived:
    folder: DataFolder
    home: Path
    said: str
    leaky: Leaky
    results: dict[str, Any]
    sentinels: dict[str, str] = field(default_factory=dict)  # place -> what stands there
    secrets: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """Load, sync, messages, parcels, reconciliation, plan and commands, with everything that they print or log kept."""
    root = tmp_path_factory.mktemp("personal")
    folder, home, leaky, said = DataFolder(root / "data").create(), root / "home", Leaky(), io.StringIO()
    home.mkdir()
    (folder.dagster / "first_day.txt").write_text("2026-01-10", encoding="utf-8")
    handler = logging.StreamHandler(said)
    logging.getLogger().addHandler(handler)
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.DEBUG)
    logging.getLogger("filelock").setLevel(logging.INFO)  # thousands of lines about waiting
    try:
        with (
            living_sandbox(2, 25, faults=[Middleware(Changed, change=leaky)]) as sandbox,
            pytest.MonkeyPatch.context() as patch,
            dg.DagsterInstance.local_temp(str(home)) as instance,
            redirect_stdout(said),
            redirect_stderr(said),
        ):
            results = _live(sandbox, folder, patch, instance, leaky, said)
        lived = Lived(folder, home, said.getvalue(), leaky, results)
        for place, text in everything(lived):
            for pattern, found in ((SENTINELS, lived.sentinels), (SECRETS, lived.secrets)):
                if hit := pattern.search(text):
                    found[place] = text[max(0, hit.start() - 80) : hit.end() + 40]
        yield lived
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(level)


def _live(
    sandbox: SandboxServer,
    folder: DataFolder,
    patch: pytest.MonkeyPatch,
    instance: dg.DagsterInstance,
    leaky: Leaky,
    said: io.StringIO,
) -> dict[str, Any]:
    options = sandbox.options
    shop = shop_of(sandbox, backfill_days=2)
    patch.setenv(DATA_ENV, str(folder.root))
    patch.setenv(SHOPS_ENV, str(stanza_file(folder.root / "shops.yaml", stanza_of(shop))))
    for name, value in (("APP_KEY", options.app_key), ("APP_SECRET", options.app_secret), ("SESSION", options.session)):
        patch.setenv(f"TOP_{name}", value)
    pipeline = Pipeline(folder, sandbox.clock)
    repository = load(pipeline)
    with pipeline.open_shop(shop, "", "test") as sync:
        sync.permit_messages()
    results: dict[str, Any] = {}
    for job, partition in JOBS:
        sandbox.clock.advance(26 * 3_600 if job.startswith("sync") else 1_800)  # parcels come due for a trace
        definition = repository.get_job(job)
        results[job] = definition.execute_in_process(instance=instance, raise_on_error=False, partition_key=partition)
    leaky.sick = True
    results["sick"] = repository.get_job("sync_tea_tmall").execute_in_process(instance=instance, raise_on_error=False)
    for command in (["sync"], ["--debug", "sync"], ["status"]):
        result = CliRunner().invoke(main, [*command, "--data", str(folder.root)], obj=sandbox.clock)
        said.write(result.output + repr(result.exception))
    return results


def everything(lived: Lived) -> Iterator[tuple[str, str]]:
    """(place, text) of everything under the data folder and Dagster's home, decoded from the formats that compress it."""
    for root in (lived.folder.root, lived.home):
        for path in root.rglob("*"):
            if path.is_symlink() or not path.is_file():
                continue
            yield str(path), path.name
            if path.suffix == ".duckdb" and path in (lived.folder.warehouse, lived.folder.published.resolve()):
                with duckdb.connect(str(path), read_only=True) as con:
                    for schema, table in con.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall():
                        yield f"{path.name} {schema}.{table}", str(con.execute(f"FROM {schema}.{table}").fetchall())
            elif path.suffix == ".parquet":
                with duckdb.connect(":memory:") as con:
                    yield str(path), str(con.execute(f"FROM read_parquet('{path}')").fetchall())
            elif path.read_bytes()[:15] == b"SQLite format 3":
                with sqlite3.connect(path) as con:
                    yield str(path), "\n".join(con.iterdump())
            if path.suffix not in (".duckdb", ".parquet"):  # these compress
                yield str(path), path.read_bytes().decode("utf-8", "ignore")
    yield "printed and logged", lived.said
    for job, result in lived.results.items():
        yield f"events of {job}", "\n".join(map(repr, result.all_events))


def test_no_sentinel_is_anywhere(lived: Lived) -> None:
    assert lived.sentinels == {}


def test_secrets_are_nowhere_but_in_the_environment(lived: Lived) -> None:
    assert lived.secrets == {}


def test_the_runs_did_meet_what_was_planted(lived: Lived) -> None:
    """Else the search would find nothing for the wrong reason."""
    with duckdb.connect(str(lived.folder.published), read_only=True) as con:
        for table in (
            "core.orders",
            "core.refunds",
            "core.traces",
            "core.parcels",
            "ops.quarantine",
            "planning.sales_forecasts",
        ):
            assert con.execute(f"SELECT count(*) > 0 FROM {table}").fetchone() == (True,), table
        fields = [row[0] for row in con.execute("SELECT DISTINCT field FROM ops.schema_drift").fetchall()]
        apis = {row[0] for row in con.execute("SELECT DISTINCT api FROM ops.sync_windows").fetchall()}
        assert con.execute("SELECT count(*) > 0 FROM ops.sync_windows WHERE channel = 'message'").fetchone() == (True,)
    assert any(one.endswith("receiver_mobile") for one in fields)
    assert {"taobao.logistics.trace.search", "taobao.trade.fullinfo.get", "taobao.refunds.receive.get"} <= apis
    assert len(lived.leaky.refused) > 10
    assert not lived.results["sick"].success
    assert {job for job, result in lived.results.items() if not result.success} == {"sick"}
