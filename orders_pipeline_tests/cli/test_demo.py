"""``orders-pipeline demo`` without the UI (with it: ``ui/``): results, refusals, and nothing left running."""

from __future__ import annotations

import fcntl
import signal
import socket
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from orders_pipeline.cli import main
from orders_pipeline.cli.demo_folder import MARKER
from orders_pipeline_tests.replenishment.reasons import check_reasons
from orders_pipeline_tests.stack import SMALL, Demo


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "demo"


def refused(*arguments: str) -> str:
    """The one line of a demo that does not begin."""
    result: Result = CliRunner().invoke(main, ["demo", "--no-ui", *arguments])
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    return result.stderr


def test_a_whole_demo(data: Path, tmp_path: Path) -> None:
    """Twice in one folder: each begins afresh. The merchant's own shops and data are not looked at."""
    own = {"ORDERS_PIPELINE_SHOPS": str(tmp_path / "broken.yaml"), "ORDERS_PIPELINE_DATA": str(tmp_path / "own")}
    (tmp_path / "broken.yaml").write_text("attributes: {shops: [")
    data.mkdir()
    (data / MARKER).touch()
    (data / "warehouse.duckdb").write_bytes(b"of another simulated shop")
    with Demo(data, "--no-ui", *SMALL, **own) as demo:
        assert demo.wait() == 0, "\n".join(demo.lines)
        assert demo.left_over() == []
    assert not (tmp_path / "own").exists()
    output = "\n".join(demo.lines)
    assert "at 6,000 calls a minute" in output
    assert "calls were made" in output
    assert "Purchase suggestions of" in output
    assert "建议采购" in output
    with duckdb.connect(str(data / "orders.duckdb"), read_only=True) as con:
        counts = con.sql(
            """SELECT (SELECT count(*) FROM core.orders), (SELECT count(*) FROM core.refunds),
            (SELECT count(*) FROM core.parcels), (SELECT count(*) FROM core.stock),
            (SELECT count(*) FROM planning.sales_forecast_totals WHERE mean > 0),
            (SELECT count(*) FROM planning.replenishment_suggestions WHERE quantity > 0)"""
        ).fetchone()
        (made_on,) = con.execute("SELECT max(made_on) FROM planning.replenishment_suggestions").fetchone() or (None,)
        purchases = check_reasons(con, made_on)
    assert counts is not None
    orders, refunds, parcels, stock, forecasts, suggestions = counts
    assert orders > 200
    assert min(refunds, parcels, stock) > 0
    assert forecasts >= 20
    assert 0 < purchases <= suggestions
    stamps = [float(line[1:7]) for line in demo.lines if line.startswith("[")]
    gaps = [after - before for before, after in pairwise(stamps)]
    assert max(gaps) < 10, "progress is shown throughout"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_middle_leaves_nothing_running(data: Path, number: signal.Signals) -> None:
    with Demo(data, "--no-ui", *SMALL) as demo:
        demo.wait_for("run 1 of 4")
        assert len(demo.left_over()) >= 3  # the command, the sandbox, the assets
        assert demo.stop(number) == 1
        assert demo.left_over() == []
    assert demo.lines[-1].startswith("Error: Stopped.")


def test_port_taken(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = CliRunner().invoke(main, ["demo", "--port", str(port), "--data", str(data)])
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert f"Port {port} is taken" in result.stderr
    assert "--port" in result.stderr
    assert not data.exists()


def test_a_folder_that_no_demo_wrote_is_left_alone(data: Path) -> None:
    data.mkdir()
    (data / "photos").write_text("of the cat")
    assert "no demo wrote it" in refused("--data", str(data))
    assert (data / "photos").read_text() == "of the cat"


def test_another_demo_in_the_folder(data: Path) -> None:
    data.mkdir()
    with (data / MARKER).open("w") as marker:
        fcntl.flock(marker, fcntl.LOCK_EX)
        assert "Another demo runs in" in refused("--data", str(data))


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be written" in refused("--data", str(tmp_path / "file" / "demo"))
    assert "is a file" in refused("--data", str(tmp_path / "file"))
