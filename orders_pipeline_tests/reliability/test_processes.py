"""``sync`` as a process of its own on a full disk, before a locked warehouse, with a secret that changes: what it says and
returns, and that the next run completes it (section 3.2)."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.settings import DataFolder
from orders_pipeline_tests.cli.conftest import Merchant, loaded, merchant  # noqa: F401 - fixtures
from orders_pipeline_tests.reliability import commands
from orders_pipeline_tests.reliability.scenario import scenario
from orders_pipeline_tests.reliability.tables import check_tables

HOURS = 3 * 3_600


def must_be_whole(merchant: Merchant) -> None:  # noqa: F811
    """After another run everything is there: every row of the platform, and no hole in the ledger."""
    again = commands.run(merchant, "sync")
    assert again.returncode == 0, again.stderr
    check_tables(DataFolder(merchant.data), merchant.sandbox.truth(), "tmall", "tea_tmall")
    with duckdb.connect(str(merchant.data / "orders.duckdb"), read_only=True) as con:
        assert con.execute("SELECT kind, subject, detail FROM ops.incidents WHERE closed_at IS NULL").fetchall() == []
    third = commands.run(merchant, "sync")
    assert third.stdout.startswith("tea_tmall: 0 rows"), third.stdout


@scenario(
    2, 18, "disk full, by process", injected="`orders-pipeline sync` in a process whose files may not grow any further",
    expected="exit 1 and one line; readers keep their copy; the next run completes it",
)  # fmt: skip
@pytest.mark.parametrize("room", ["for nothing", "for raw files", "for half a warehouse"])
def test_sync_on_a_full_disk_exits_1_and_the_next_one_is_whole(loaded: Merchant, room: str) -> None:  # noqa: F811
    loaded.clock.advance(HOURS)
    before = loaded.orders()
    warehouse = DataFolder(loaded.data).warehouse.stat().st_size
    largest = {"for nothing": 512, "for raw files": 60_000, "for half a warehouse": warehouse // 2}[room]
    line = commands.must_fail_in_one_line(commands.run(loaded, "sync", largest_file=largest))
    assert "free space" in line
    assert loaded.orders() == before
    must_be_whole(loaded)


@scenario(
    2, 18, "warehouse locked, by process", injected="one process holds the warehouse, another is told to `sync`",
    expected="exit 1 and one line that names the holder; what it read is applied by the next run without a call",
)  # fmt: skip
def test_sync_before_a_warehouse_that_another_process_holds_exits_1(loaded: Merchant) -> None:  # noqa: F811
    loaded.clock.advance(HOURS)
    before = loaded.orders()
    with commands.warehouse_held(loaded.data) as pid:
        line = commands.must_fail_in_one_line(commands.run_impatiently(loaded, "sync"))
    assert "somebody's long report" in line
    assert f"process {pid}" in line
    assert loaded.orders() == before
    must_be_whole(loaded)


def rotate_at(sandbox: SandboxServer, call: int, env_file: Path | None) -> None:
    """At that call the platform's app secret changes, and with ``env_file`` the merchant's as well."""
    answer, calls = sandbox.gateway.answer, iter(range(1, 1_000_000))

    def answering(verb: str, params: dict[str, str]) -> bytes:
        if next(calls) == call:
            sandbox.gateway.tokens.apps[sandbox.options.app_key] = "a-new-secret"
            if env_file:
                write_env(env_file, sandbox, "a-new-secret")
        return answer(verb, params)

    sandbox.gateway.answer = answering  # type: ignore[assignment,method-assign]


def write_env(file: Path, sandbox: SandboxServer, secret: str) -> None:
    options = sandbox.options
    file.write_text(f"TOP_APP_KEY={options.app_key}\nTOP_APP_SECRET={secret}\nTOP_SESSION={options.session}\n")


@pytest.fixture
def home(merchant: Merchant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:  # noqa: F811
    """An environment that names no secret: they stand in ``.env`` beside ``dagster.yaml``."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "dagster.yaml").touch()
    write_env(folder / ".env", merchant.sandbox, merchant.sandbox.options.app_secret)
    for name in ("TOP_APP_KEY", "TOP_APP_SECRET", "TOP_SESSION"):
        monkeypatch.delenv(name)
    return {"DAGSTER_HOME": str(folder)}


@scenario(
    2, 19, "secret rotated", injected="the app secret changes on the platform and in `.env` while a process back-fills",
    expected="the run takes the new one and ends well; nothing lost; no secret in what it says",
)  # fmt: skip
def test_a_secret_that_is_rotated_while_a_process_reads_loses_nothing(
    merchant: Merchant,  # noqa: F811
    home: dict[str, str],
) -> None:
    rotate_at(merchant.sandbox, 8, Path(home["DAGSTER_HOME"]) / ".env")
    done = commands.run(merchant, "backfill", environment=home)
    assert done.returncode == 0, done.stderr
    assert "secret" not in done.stdout + done.stderr
    assert commands.run(merchant, "sync", environment=home).returncode == 0
    check_tables(DataFolder(merchant.data), merchant.sandbox.truth(), "tmall", "tea_tmall")
    with duckdb.connect(str(merchant.data / "orders.duckdb"), read_only=True) as con:
        # each reader's call was refused once at most, none of them twice
        refused = con.execute("SELECT count(*) FROM ops.api_calls WHERE outcome = 'request' AND code = '25'").fetchone()
    assert refused is not None
    assert 1 <= refused[0] <= 4


@scenario(
    2, 19, "secret rotated", injected="the app secret changes on the platform only",
    expected="exit 1 and one line that says which secret; complete once it has been told",
)  # fmt: skip
def test_a_secret_that_nobody_told_us_exits_1_and_the_next_run_is_whole(
    merchant: Merchant,  # noqa: F811
    home: dict[str, str],
) -> None:
    rotate_at(merchant.sandbox, 8, None)
    line = commands.must_fail_in_one_line(commands.run(merchant, "backfill", environment=home))
    assert "app secret" in line
    assert "sandbox-secret" not in line
    write_env(Path(home["DAGSTER_HOME"]) / ".env", merchant.sandbox, "a-new-secret")
    for command in ("backfill", "sync"):
        assert commands.run(merchant, command, environment=home).returncode == 0
    check_tables(DataFolder(merchant.data), merchant.sandbox.truth(), "tmall", "tea_tmall")
