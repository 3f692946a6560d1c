"""`bench all` runs what the registry names, goes on after a failure, and says of every goal whether it is met."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from orders_pipeline.bench.analytics import PARTS
from orders_pipeline.bench.everything import Step, run_all
from orders_pipeline.bench.find import beside, beside_best, cell, over, plus, result, scored
from orders_pipeline.bench.goals import Goal, at_least, at_most, below, summary, within
from orders_pipeline.bench.goals_forecast import FORECAST
from orders_pipeline.bench.goals_speed import SPEED
from orders_pipeline.bench.report import Report, Table
from orders_pipeline.cli import bench_plan, main
from orders_pipeline.cli.bench import BENCHMARKS, bench
from orders_pipeline.cli.bench_plan import SIZES, Sizes, steps
from orders_pipeline_tests.bench.goals import unfound

OTHERS = [name for name in BENCHMARKS if name != "all"]


def bench_all(out: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["bench", "all", "--out", str(out), *arguments])


@pytest.mark.parametrize("quick", [True, False])
def test_every_benchmark_is_run_with_options_that_it_has(quick: bool) -> None:
    planned = steps(OTHERS, quick=quick, data_folder=Path("data"))
    assert {step.benchmark for step in planned} == set(OTHERS)
    for step in planned:
        command = bench.get_command(click.Context(bench), step.benchmark)
        assert command is not None
        command.make_context(step.benchmark, list(step.options))  # raises for an option that it lacks


def test_sizes_are_those_of_benchmarks_that_there_are() -> None:
    assert set(SIZES) <= set(OTHERS)


def test_a_benchmark_without_sizes_runs_once_as_it_is_by_default() -> None:
    assert steps(["profile"], quick=False, data_folder=Path("data")) == [Step("profile", ())]


def test_one_that_fails_stops_none_and_the_exit_code_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {
        "publish": Sizes((), ("--orders 7", "--orders 50000 --rounds 1")),
        "forecast": Sizes((), ("--panel m5 --last 1",)),
    }
    monkeypatch.setattr(bench_plan, "SIZES", sizes)
    only = ["--only", "forecast", "--only", "publish", "--quick"]
    done = bench_all(tmp_path, *only, "--data-folder", str(tmp_path / "none"))
    assert done.exit_code == 1, done.output
    found = json.loads((tmp_path / "bench.json").read_text())
    goals, runs = found["tables"]
    wrong, right, absent = (outcome for _, _, outcome in runs["rows"])
    assert wrong.startswith("failed: Error: Invalid value for '--orders'")
    assert right == "done"
    assert absent.startswith("nothing measured: Skipped: Panel m5 needs")
    assert [part["name"] for part in found["parts"]] == ["publish"]
    assert goals["rows"] == []  # 50,000 orders are not the size of a goal
    count = sum(goal.benchmark in ("publish", "forecast") for goal in (*SPEED, *FORECAST))
    assert found["notes"][0].startswith(f"{count} goals are set for sizes")
    text = (tmp_path / "bench.md").read_text()
    assert text.index("### Summary") < text.index("### Benchmarks of this run") < text.index("### Publishing")
    assert "3 of 3: orders-pipeline bench forecast --panel m5 --last 1" in done.stderr
    assert (tmp_path / "02-publish" / "publish.md").is_file()


def test_of_a_whole_run_what_could_not_be_measured_is_on_the_table(tmp_path: Path) -> None:
    report, (outcome,) = run_all([Step("publish", ("--orders", "7"))], tmp_path, lambda _: None, with_unmeasured=True)
    assert outcome.code == 2
    ((benchmark, _, goal, measured, verdict, _),) = report.tables[0].rows
    assert (benchmark, goal, measured, verdict) == ("publish", "≤ 1.2", None, "not measured")
    assert Report.loaded(tmp_path / "bench.json").tables[0].rows == [list(report.tables[0].rows[0])]


def test_an_unknown_benchmark_is_wrong_usage(tmp_path: Path) -> None:
    done = bench_all(tmp_path, "--only", "speed")
    assert done.exit_code == 2
    assert "ingest" in done.stderr


SMALL: dict[str, tuple[list[str], list[Any]]] = {
    "upsert": (["--orders", "50000", "--batch", "10"], [(1_000_000, 100), (1_000_000, 5_000), (1_000_000, 100_000)]),
    "ticks": (["--orders", "50000", "--rounds", "1"], [(100_000,), (10_000_000,)]),
    "publish": (["--orders", "50000", "--rounds", "1"], [(1_000_000,)]),
    "analytics": (["--lines", "100000"], [(10_000_000, what) for what in PARTS]),
}
"""Benchmark -> options of a small run, and the first cells that the rows of its table have at the sizes of the goals."""


@pytest.mark.parametrize("name", SMALL)
def test_figures_are_where_the_goals_look(name: str, tmp_path: Path) -> None:
    options, sizes = SMALL[name]
    done = CliRunner().invoke(main, ["bench", name, *options, "--out", str(tmp_path)], standalone_mode=False)
    assert done.exception is None, done.output
    assert unfound(name, tmp_path / f"{name}.json", sizes) == set()


def test_figures_of_a_load_are_where_the_goals_look(tmp_path: Path) -> None:
    options = ["--orders", "1000", "--rounds", "1", "--out", str(tmp_path)]
    done = CliRunner().invoke(main, ["bench", "ingest", *options], standalone_mode=False)
    assert done.exception is None, done.output
    missing = unfound("ingest", tmp_path / "ingest.json", title=("1,000 orders", "50,000 orders"))
    assert missing == {"load: CPU of tuned dlt, × ours", "50 ms an answer: load, CPU s"}  # neither was asked for


def test_a_figure_is_judged_at_its_size_alone() -> None:
    report = Report(
        "upsert", [Table("Upsert: all", ["orders", "batch", "CPU s"], [[10, 1, 0.5], [10, 2, None], [20, 1, 2.0]])]
    )
    look = cell("upsert", "Upsert", (10, 1), "CPU s")
    assert look([report]) == 0.5
    for absent in (
        cell("upsert", "Upsert", (10, 2), "CPU s"),
        cell("upsert", "Upsert", (30, 1), "CPU s"),
        cell("upsert", "Upsert", 10, "MB"),
        cell("upsert", "Other", 10, "CPU s"),
        cell("publish", "Upsert", 10, "CPU s"),
    ):
        assert absent([report]) is None
        assert over(look, absent)([report]) is over(absent, look)([report]) is plus(look, absent)([report]) is None
    large = cell("upsert", "Upsert", 20, "CPU s")
    assert (over(large, look)([report]), plus(large, look)([report])) == (4.0, 2.5)
    assert cell("upsert", "Upsert", None, "batch")([report]) == 1


def test_others_are_told_as_multiples() -> None:
    report = Report(
        "ingest", [Table("50 orders", ["", "CPU s"], [["ours", 2.0], ["floor", 0.5], ["dlt", 7.0], ["x", None]])]
    )
    assert beside("ingest", "50", "ours", "CPU s")([report]) == "floor: 0.25 ×; dlt: 3.50 ×"
    assert beside("ingest", "60", "ours", "CPU s")([report]) == ""


@pytest.mark.parametrize(
    ("limit", "held", "missed"),
    [(at_most(3), 3, 3.01), (at_least(4), 4, 3.99), (below(1), 0.99, 1), (within(0.9, 0.02), 0.881, 0.879)],
)
def test_a_limit_is_told_and_held_to(limit: Any, held: float, missed: float) -> None:
    report = Report("trial", [Table("A table", ["what", "value"], [["good", held], ["bad", missed]])])
    goals = [Goal("trial", name, cell("trial", "A", name, "value"), limit) for name in ("good", "bad", "absent")]
    goals.append(Goal("trial", "no goal", cell("trial", "A", "good", "value"), fine=True))
    rows = summary(goals, [report]).rows
    assert [row[4] for row in rows] == ["held", "missed", "not measured", ""]
    assert rows[0][2] == limit.text
    assert rows[3][2:4] == [None, f"{held:.4f}"]


def forecasts(origins: int = 8, which: str = "evaluation", measured: int = 100, **methods: dict[str, Any]) -> Report:
    """A report of the forecast benchmark on M5 with these methods' metrics."""
    results = [
        {"panel": "m5", "method": name.replace("_", "-"), "origins": ["day"] * origins, "eligible": 100, "measured": measured,
         "metrics": metrics, "memory": {"mb": 600.0}, "against_lightgbm": None}
        for name, metrics in methods.items()
    ]  # fmt: skip
    return Report("forecast", [], {"origins": which, "results": results})


def test_accuracy_counts_over_all_eight_evaluation_origins_and_all_skus() -> None:
    look = scored("m5", "ours", "wrmsse")
    assert look([forecasts(1, ours={"wrmsse": 0.7}), forecasts(ours={"wrmsse": 0.72})]) == 0.72
    assert look([forecasts(which="development", ours={"wrmsse": 0.7})]) is None
    assert look([forecasts(measured=50, ours={"wrmsse": 0.7})]) is None
    assert result("m5", "ours", "memory", "mb")([forecasts(1, ours={})]) == 600
    assert result("m5", "ours", "against_lightgbm")([forecasts(1, ours={})]) is None


def test_the_best_peer_is_of_the_same_run_and_of_the_right_kind() -> None:
    together = forecasts(
        1, ours={"wspl": 0.6}, fast={"wspl": 0.66}, tsb={"wspl": 0.75}, lightgbm_scaled={"wspl": 0.6}, ses={"wape": 1.0}
    )
    alone = forecasts(ours={"wspl": 0.5}, fast={"wspl": 0.5})
    ratio, name = beside_best("m5", "ours", "wspl", statistical=False)
    assert ratio([alone, together]) == pytest.approx(1.0)
    assert name([alone, together]) == "lightgbm-scaled 0.6000, 1 origin(s)"
    ratio, name = beside_best("m5", "fast", "wspl", statistical=True)
    assert ratio([alone, together]) == pytest.approx(0.66 / 0.75)
    assert name([alone, together]).startswith("tsb ")
    assert (ratio([alone]), name([alone])) == (None, "")


def test_no_goal_is_stated_twice() -> None:
    named = [(goal.benchmark, goal.what) for goal in (*SPEED, *FORECAST)]
    assert len(set(named)) == len(named)
    assert {goal.benchmark for goal in (*SPEED, *FORECAST)} <= set(OTHERS)
