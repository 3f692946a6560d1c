"""The benchmarks of Dagster's processes work: short versions of them, through the command, with all that is real."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner

from orders_pipeline.bench import chain, latency, startup
from orders_pipeline.bench.goals_speed import SPEED
from orders_pipeline.bench.plot import latency_svg
from orders_pipeline.bench.report import Report, Table
from orders_pipeline.cli import main
from orders_pipeline_tests.bench.goals import unfound

SVG = "{http://www.w3.org/2000/svg}"


def test_a_short_watch_sees_every_change_and_tells_what_it_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latency, "DAYS", 1)
    monkeypatch.setattr(latency, "DRAIN_SECONDS", 10.0)
    options = ["--seconds", "15", "--orders", "1000", "--orders-per-day", "40000", "--out", str(tmp_path)]
    done = CliRunner().invoke(main, ["bench", "latency", "--tier", "linger", *options], standalone_mode=False)
    assert done.exception is None, done.output
    found = json.loads((tmp_path / "latency-linger-1.json").read_text())
    summary = dict(found["tables"][0]["rows"])
    assert summary["changes seen"] == len(found["facts"]["points"]) > 0
    assert summary["changes not seen"] == 0
    assert summary["calls that the platform refused"] == 0
    assert 0 < summary["calls of the busiest minute"] <= summary["calls a minute that the app key allows"] == 100
    assert summary["calls a minute"] == pytest.approx(sum(row[2] for row in found["tables"][2]["rows"]))
    assert 1 <= summary["most runs at work at once"] <= summary["slots for runs"] == 4  # the lingering run is one
    assert summary["runs that found every slot taken"] == summary["runs never launched"] == 0
    lacking = unfound("latency", tmp_path / "latency-linger-1.json")
    assert lacking == {goal.what for goal in SPEED if goal.benchmark == "latency" and "lingering" not in goal.what}
    assert {api for _, api, _ in found["tables"][2]["rows"]} >= {"taobao.tmc.messages.consume"}
    assert "p95, s" in done.output
    picture = ET.fromstring((tmp_path / "latency-linger-1.svg").read_text())
    assert len(picture.findall(f"{SVG}circle")) == len(found["facts"]["points"])


def test_costs_of_processes_and_runs_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, "SETTLE_SECONDS", 3.0)
    monkeypatch.setattr(startup, "ORDERS", 500)
    monkeypatch.setattr(startup, "ORDERS_PER_DAY", 100)
    monkeypatch.setattr(startup, "IMPORTS", startup.IMPORTS[:1])
    monkeypatch.setattr(startup, "QUIET_SECONDS", 6.0)  # one look of the daemon
    monkeypatch.setattr(startup, "JOBS", ("sync_shop_1",))
    done = CliRunner().invoke(
        main, ["bench", "startup", "--repeats", "1", "--out", str(tmp_path)], standalone_mode=False
    )
    assert done.exception is None, done.output
    imports, processes, quiet, runs, grown = json.loads((tmp_path / "startup.json").read_text())["tables"]
    assert [label for label, *_ in processes["rows"]] == [
        "code server: definitions served",
        "webserver: first answer",
        "all of them and the daemon, idle, a second",
    ]
    assert imports["rows"][0][1] < processes["rows"][0][1]  # an interpreter is cheaper than a code server
    ((seconds, checks, asked, cost),) = quiet["rows"]
    assert (seconds >= 6, checks >= 1, asked) == (True, True, 0)  # a check that finds nothing costs no run
    assert cost >= 0
    ((job, cpu, wall, kilobytes),) = runs["rows"]
    assert job == "sync_shop_1"
    assert min(cpu, wall, kilobytes) > 0
    assert unfound("startup", tmp_path / "startup.json") == set()
    assert grown["rows"] == [["sync_shop_1", 288, pytest.approx(288 * kilobytes / 1000)]]


def test_a_report_says_what_is_needed_to_repeat_it(tmp_path: Path) -> None:
    table = Table("Costs", ("what", "seconds", "rows"), [("a step", 0.12345, 1_234_567), ("another", None, 3)])
    data, text = Report("trial", [table], {"points": [1]}, ["a note"]).save(tmp_path)
    found = json.loads(data.read_text())
    assert found["facts"] == {"points": [1]}
    assert found["command"].startswith("orders-pipeline")
    assert "duckdb" in found["versions"]
    lines = text.read_text().splitlines()
    assert "| a step | 0.123 | 1,234,567 |" in lines
    assert "| another | – | 3 |" in lines
    assert "- a note" in lines
    assert any(found["machine"] in line for line in lines)


def test_a_saved_report_comes_back_whole(tmp_path: Path) -> None:
    part = Report("part", [Table("Parts", ["n"], [[1]])], notes=[], parts=[])
    table = Table("Costs", ["what", "seconds"], [["a step", 0.5], ["b", None]])
    report = Report("trial", [table], {"n": 1}, ["a note"], parts=[part])
    data, text = report.save(tmp_path)
    again = Report.loaded(data)
    assert again == report
    assert again.markdown() == text.read_text()
    assert text.read_text().index("### Costs") < text.read_text().index("## part") < text.read_text().index("### Parts")


def run(requested: float, launched: float, ended: float) -> chain.RunTimes:
    return chain.RunTimes("job", "id", requested, launched, launched + 1, ended)


def test_a_slot_is_held_from_launch_to_end() -> None:
    runs = [run(0, 1, 10), run(2, 3, 9), run(4, math.inf, math.inf)]
    assert [chain.at_work(runs, at) for at in (0.5, 1, 3, 8.9, 9, 10)] == [0, 1, 2, 2, 1, 0]


def test_the_busiest_minute_is_looked_for_at_every_call() -> None:
    calls = [chain.Call(at, "shop", "api", "") for at in (0.0, 50.0, 55.0, 70.0, 109.9, 110.0, 300.0)]
    assert chain.busiest_minute(calls) == 4  # from 50 up to, not including, 110
    assert chain.busiest_minute([]) == 0


def test_percentiles_are_drawn_over_time() -> None:
    picture = ET.fromstring(latency_svg([(float(second), second % 7 + 0.5) for second in range(600)], "title"))
    assert len(picture.findall(f"{SVG}polyline")) == 3
    assert len(picture.findall(f"{SVG}circle")) == 600
