"""Pictures and tables of a backtest: accuracy over time, by horizon, calibration, and the SKUs that were missed by most.

Strokes and axes are ``charts.py``'s; numbers come from the backtest, nothing is computed here beyond means and pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from orders_pipeline.forecasting import charts
from orders_pipeline.forecasting.accuracy import TOTAL
from orders_pipeline.forecasting.model import MODES
from orders_pipeline.forecasting.profiles import WEEK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orders_pipeline.forecasting.backtest import Backtest

COLOURS = dict(zip(MODES, (charts.FORECAST_COLOUR, "#d29922"), strict=True))
HEIGHT = 90  # of a panel: three and their titles stay within one screen


def backtest_svg(backtest: Backtest) -> str:
    """Three panels: WAPE of the week by origin, WAPE by horizon day, share of sales within q90 by horizon day."""
    origins = sorted({trial.made_on for trial in backtest.trials})
    by_week = {
        mode: [
            _mean([t.scores[TOTAL].wape for t in backtest.trials if (t.mode, t.made_on) == (mode, day)])
            for day in origins
        ]
        for mode in MODES
    }
    horizons = range(1, WEEK + 1)
    by_day, covered = (
        {
            mode: [
                _mean([getattr(t.scores[h], name) for t in backtest.trials if t.mode == mode and h in t.scores])
                for h in horizons
            ]
            for mode in MODES
        }
        for name in ("wape", "coverage_q90")
    )
    if not origins:
        return charts.svg(charts.title("历史不足一周，无法回测", 0), charts.TITLE)
    panels = (
        (f"每周总量的WAPE，{origins[0]} 至 {origins[-1]}（蓝：日模型，黄：快速）", by_week, None),
        ("第1至7天的WAPE", by_day, None),
        ("销量不超过q90的比例，应接近0.9", covered, 0.9),
    )
    body, y = "", 0
    for text, lines, wanted in panels:
        body += charts.title(text, y)
        y += charts.TITLE
        body += _panel(lines, wanted, y)
        y += HEIGHT + charts.FOOT
    return charts.svg(body, y)


def worst_table(backtest: Backtest) -> str:
    """Markdown: the SKUs that the newest week was missed by most."""
    rows = [f"| {m.merchant_sku} | {m.expected:.1f} | {m.sold:.0f} | {m.why} |" for m in backtest.worst]
    return "\n".join(["| 商品 | 预测 | 实际 | 原因 |", "|---|---|---|---|", *rows])


def _panel(lines: dict[str, list[float]], wanted: float | None, y: int) -> str:
    values = [value for line in lines.values() for value in line if np.isfinite(value)]
    top = 1.0 if wanted else max([*values, 0.1]) * 1.1
    x = charts.positions(max(len(line) for line in lines.values()))
    body = charts.axis(round(top, 2), y, HEIGHT)
    if wanted:
        body += charts.line([x[0], x[-1]], [wanted, wanted], top, y, HEIGHT, "#c8ced6")
    for mode, line in lines.items():
        known = [(a, value) for a, value in zip(x, line, strict=True) if np.isfinite(value)]
        if known:
            body += charts.line([a for a, _ in known], [value for _, value in known], top, y, HEIGHT, COLOURS[mode])
    return body


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else float("nan")
