"""The yardstick of `bench forecast`: reproduces published figures of rules that anybody can compute."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from orders_pipeline.bench.forecast import methods, metrics, panels
from orders_pipeline.cli import main
from orders_pipeline.settings import UserError

DATA = Path(__file__).parents[2].parent / "shared" / "data"

PUBLISHED = {
    "window-average-28": {"wrmsse": 0.7365, "wape": 1.0828, "wape7": 0.6274, "bias": -0.035},
    "empirical-56": {"wrmsse": 0.7221, "wape": 1.0659, "wape7": 0.6200, "bias": -0.097, "wspl": 0.4201, "wql": 0.6794},
}
"""Online Retail II, means over the eight origins: the project's forecast research, section 2."""


@pytest.mark.skipif(not (DATA / "online_retail_ii.parquet").exists(), reason="needs ../shared/data, which is absent")
def test_the_published_figures_of_simple_rules_come_out() -> None:
    panel = panels.load("online-retail", DATA)
    for name, published in PUBLISHED.items():
        measured = []
        for origin in panels.origins("online-retail", "evaluation"):
            rows = panel.eligible(origin)
            measured.append(metrics.measure(panel, origin, rows, methods.OWN[name](panel, origin, rows, 0)))
        for metric, value in published.items():
            digits = 3 if metric == "bias" else 4
            assert round(float(np.mean([one[metric] for one in measured])), digits) == value, (name, metric)


def test_development_weeks_end_before_the_first_that_is_reported() -> None:
    for panel in panels.SOURCES:
        first = panels.origins(panel, "evaluation")[0]
        assert len(panels.origins(panel, "evaluation")) == 8
        assert all((first - origin).days >= 7 for origin in panels.origins(panel, "development"))


def test_without_data_it_says_so_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="m5_daily_sales"):
        panels.load("m5", tmp_path)
    done = CliRunner().invoke(main, ["bench", "forecast", "--data-folder", str(tmp_path)])
    assert done.exit_code == 0
    assert done.output.count("Skipped: Panel") == 2


@pytest.mark.skipif(not (DATA / "online_retail_ii.parquet").exists(), reason="needs ../shared/data, which is absent")
def test_the_command_writes_both_files(tmp_path: Path) -> None:
    out = tmp_path / "bench"
    arguments = ["--panel", "online-retail", "--origins", "development", "--method", "empirical-56", "--out", str(out)]
    done = CliRunner().invoke(main, ["bench", "forecast", "--data-folder", str(DATA), *arguments])
    assert done.exit_code == 0, done.output
    (result,) = json.loads(out.with_suffix(".json").read_text())["results"]
    assert result["method"] == "empirical-56"
    assert f"{result['metrics']['wrmsse']:.4f}" in out.with_suffix(".md").read_text()
