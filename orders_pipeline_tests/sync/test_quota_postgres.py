"""Machines that share an app key by a Postgres: each with a data folder, a clock and a connection of its own."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg2
import pytest

from orders_pipeline.platforms.base import FlowControlError
from orders_pipeline.sandbox.clock import SandboxClock
from orders_pipeline.settings import DataFolder, UserError
from orders_pipeline.shops import Shop, credentials
from orders_pipeline.sync import ShopSync, quota_postgres
from orders_pipeline.sync.ops import Ops
from orders_pipeline.sync.pauses import Pauses
from orders_pipeline.sync.quota import Priority, Quota
from orders_pipeline.sync.quota_postgres import PostgresLog
from orders_pipeline_tests.conftest import living_sandbox, shop_of
from orders_pipeline_tests.reliability.shared_clock import SharedClock
from orders_pipeline_tests.reliability.strict_quota import busiest_minute
from orders_pipeline_tests.sync.conftest import URL_ENV

SECRET = "s3cret"  # what no message may hold


@pytest.fixture
def url(postgres: int) -> str:
    return f"postgresql://postgres:{SECRET}@127.0.0.1:{postgres}/postgres"


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    """An app key that no other test on this server uses."""
    key = uuid4().hex
    monkeypatch.setenv("TOP_APP_KEY", key)
    return key


def machine(root: Path, ahead: timedelta = timedelta(), calls_per_minute: int = 10) -> Quota:
    """The quota as a machine opens it whose clock is ``ahead``."""
    shop = Shop.of({"shop": "tea", "platform": "tmall", "calls_per_minute": calls_per_minute, "quota_url_env": URL_ENV})
    clock = SandboxClock(datetime.now(UTC) + ahead)
    return Quota.of_shop(shop, credentials(shop), Ops(DataFolder(root).create().ops), clock, Pauses(clock))


@pytest.fixture
def two(tmp_path: Path, url: str, key: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Quota, Quota]]:
    """Two machines of one app key; their clocks are two minutes apart."""
    monkeypatch.setenv(URL_ENV, url)
    here, there = machine(tmp_path / "one"), machine(tmp_path / "two", timedelta(minutes=2))
    yield here, there
    here.close()
    there.close()


def _work(url: str, key: str, clock: Path, slot: int, calls: int) -> list[datetime]:
    """In a process of its own, as one machine: when its calls were made."""
    shared = SharedClock(clock, slot)
    quota = Quota(PostgresLog(url, URL_ENV, key, clock=shared), 20, Pauses(shared))
    times = []
    for number in range(calls):
        quota.acquire("some.api", Priority.BACKFILL if slot else Priority(number % len(Priority)))
        times.append(shared.now())
    shared.leave(slot)
    return times


def test_two_machines_never_make_more_calls_than_one_may(tmp_path: Path, url: str, key: str) -> None:
    path = tmp_path / "clock"
    clock = SharedClock.create(path, datetime(2026, 1, 1, tzinfo=UTC))
    for slot in range(2):
        clock.join(slot)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        one, other = pool.starmap(_work, [(url, key, path, slot, 60) for slot in range(2)])
    times = sorted([*one, *other])
    assert busiest_minute(times) == 20
    assert times[-1] - times[0] <= timedelta(minutes=7)  # 120 calls at 20 a minute, and the pace of a back-fill
    assert other[0] < one[-1]  # neither waited for the other to end


def test_the_minute_is_the_databases_whatever_the_machines_clocks_show(two: tuple[Quota, Quota]) -> None:
    here, there = two
    for _ in range(5):
        here.acquire(max_wait=0)
        there.acquire(max_wait=0)
    for quota in two:
        with pytest.raises(FlowControlError, match="used up"):
            quota.acquire(max_wait=5)


def test_a_ban_of_one_stops_the_other(two: tuple[Quota, Quota]) -> None:
    here, there = two
    there.ban(30)
    with pytest.raises(FlowControlError, match="no calls") as refusal:
        here.acquire(max_wait=5)
    assert 25 < refusal.value.wait_seconds <= 30


def test_another_app_key_has_a_quota_of_its_own(
    two: tuple[Quota, Quota], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two[0].ban(30)
    monkeypatch.setenv("TOP_APP_KEY", uuid4().hex)
    assert machine(tmp_path / "third").acquire(max_wait=0) == 0


def _cut(url: str) -> None:
    """End every connection to the quota's database, as a restart of the server does."""
    with psycopg2.connect(url) as con, con.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'orders-pipeline'"
        )


def test_a_lost_connection_is_opened_again(two: tuple[Quota, Quota], url: str) -> None:
    here, there = two
    for _ in range(5):
        here.acquire(max_wait=0)
        _cut(url)
        there.acquire(max_wait=0)
    with pytest.raises(FlowControlError, match="used up"):
        here.acquire(max_wait=5)


def test_a_turn_that_is_cut_takes_no_place(url: str, key: str) -> None:
    log = PostgresLog(url, URL_ENV, key)

    def turn() -> None:
        with log.turn() as now:
            log.add("some.api", now)
            _cut(url)

    with pytest.raises(UserError, match="Postgres of the quota failed") as error:
        turn()
    assert_clean(error.value)
    with log.turn() as now:
        assert log.look(now - 60_000, now, 0).used == 0


def test_a_machine_that_goes_dark_loses_its_turn(url: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota_postgres, "_IDLE_MS", 100)
    dark, other = PostgresLog(url, URL_ENV, key), PostgresLog(url, URL_ENV, key)
    with other.turn():  # is connected
        pass

    def turn() -> None:
        with dark.turn() as now:
            dark.add("some.api", now)
            with other.turn() as later:
                assert later - now >= 100
                assert other.look(0, later, 0).used == 0

    with pytest.raises(UserError, match="connection was lost"):
        turn()


def test_a_turn_is_not_waited_for_without_end(url: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota_postgres, "_TURN_MS", 50)
    holder, other = PostgresLog(url, URL_ENV, key), PostgresLog(url, URL_ENV, key)
    with other.turn():
        pass
    with holder.turn(), pytest.raises(UserError, match="lock timeout"), other.turn():
        pass


def assert_clean(error: UserError) -> None:
    """One line that names the variable and holds no part of the secret; nor does what a traceback would print."""
    assert str(error).startswith(URL_ENV)
    assert "\n" not in str(error)
    assert "ret" not in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://merchant:s3cret@127.0.0.1:PORT/postgres", "not a postgresql:// URL"),
        ("postgresql://merchant:s3cret@127.0.0.1:1/postgres", "no Postgres answers"),
        ("postgresql://merchant:s3@ret@127.0.0.1:PORT/postgres", "percent-encode"),
        ("postgresql://merchant:s3/ret@127.0.0.1:PORT/postgres", "percent-encode"),
        ("postgresql://postgres:s3cret@127.0.0.1:PORT/secret", "no such database or user"),
        ("postgresql://postgres:s3cret@127.0.0.1:PORT/postgres?no_such=1", "percent-encode"),
    ],
)
def test_a_wrong_url_is_one_line_without_the_secret(
    url: str, words: str, postgres: int, folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URL_ENV, url.replace("PORT", str(postgres)))
    with living_sandbox(1, 5) as sandbox:
        shop = shop_of(sandbox, quota_url_env=URL_ENV)
        with ShopSync.open(shop, folder, clock=sandbox.clock) as sync, pytest.raises(UserError, match=words) as error:
            sync.check()
        assert sandbox.gateway.quota.accepted == 0
    assert_clean(error.value)


def test_a_wrong_password_is_one_line_without_it(postgres: int, url: str, key: str) -> None:
    user = f"merchant_{key}"
    con = psycopg2.connect(url)
    con.autocommit = True
    with con.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {user} LOGIN PASSWORD 'another'")
        cursor.execute("SHOW hba_file")
        hba = Path(cursor.fetchone()[0])
        hba.write_text(f"host all {user} 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
        cursor.execute("SELECT pg_reload_conf()")
    con.close()
    log = PostgresLog(f"postgresql://{user}:{SECRET}@127.0.0.1:{postgres}/postgres", URL_ENV, key)
    with pytest.raises(UserError, match="refuses this user or password") as error, log.turn():
        pass
    assert_clean(error.value)
    # let in, but without a table and without the right to make one
    log = PostgresLog(f"postgresql://{user}:another@127.0.0.1:{postgres}/postgres", URL_ENV, key)
    with pytest.raises(UserError, match="permission denied") as error, log.turn():
        pass
    assert_clean(error.value)


def test_a_variable_that_is_not_set_is_named(tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(URL_ENV, raising=False)
    with pytest.raises(UserError, match=f"set {URL_ENV} in the environment"):
        machine(tmp_path)


def test_who_shares_no_key_needs_no_psycopg2() -> None:
    code = "import sys, orders_pipeline.sync; sys.exit('psycopg2' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
