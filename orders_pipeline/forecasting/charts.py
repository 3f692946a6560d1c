"""Pictures of sales and forecasts as inline SVG: no script, no font, no address outside the picture.

Small enough for Dagster metadata (a picture stays below 20 KB). Numbers come from tables and frames; nothing is computed here
beyond pixels.
"""

from __future__ import annotations

from datetime import date, timedelta
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from orders_pipeline.forecasting.profiles import WEEK

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from orders_pipeline.forecasting.model import Forecast

WIDTH = 720  # pixels: the width of a metadata value in Dagster's side panel
PANEL_HEIGHT, CURVE_HEIGHT, TITLE = 110, 180, 18
LEFT, RIGHT, FOOT = 44, 8, 16  # room for the largest number, and for dates
HISTORY_COLOUR, FORECAST_COLOUR, BAND_COLOUR = "#5f6b7a", "#1f6feb", "#1f6feb33"


def sales_curve_svg(con: duckdb.DuckDBPyConnection, until: date, days: int = 90) -> str:
    """Units a day of all SKUs over the ``days`` before ``until``, from ``planning.daily_sku_sales``."""
    start = until - timedelta(days=days)
    sold = dict(
        con.execute(
            "SELECT date, sum(units)::BIGINT FROM planning.daily_sku_sales WHERE date >= ? AND date < ? GROUP BY date",
            [start, until],
        ).fetchall()
    )
    units = [float(sold.get(start + timedelta(days=n), 0)) for n in range(days)]
    top = _round_up(max(units))
    x = positions(days)
    body = title(f"每日销量（件），{start} 至 {until - timedelta(days=1)}", 0)
    body += axis(top, TITLE, CURVE_HEIGHT) + line(x, units, top, TITLE, CURVE_HEIGHT, HISTORY_COLOUR)
    body += _dates([start, until - timedelta(days=1)], [x[0], x[-1]], TITLE + CURVE_HEIGHT + FOOT - 4)
    return svg(body, TITLE + CURVE_HEIGHT + FOOT)


def forecast_fan_svg(
    con: duckdb.DuckDBPyConnection,
    forecast: Forecast,
    top: int = 5,
    history_days: int = 28,
    skus: Sequence[str] | None = None,
) -> str:
    """One panel a SKU: past days, mean, and the band from q10 to q90. ``skus``, or the ``top`` by expected units."""
    best = forecast.totals.sort_values(["mean", "merchant_sku"], ascending=[False, True])
    best = best.head(top) if skus is None else best[best["merchant_sku"].isin(skus)]
    start = forecast.made_on - timedelta(days=history_days)
    x = positions(history_days + WEEK)
    body, y = "", 0
    for sku, mean, q95 in zip(best["merchant_sku"], best["mean"], best["q95"], strict=True):
        sold = dict(
            con.execute(
                "SELECT date, units FROM planning.daily_sku_sales WHERE merchant_sku = ? AND date >= ? AND date < ?",
                [sku, start, forecast.made_on],
            ).fetchall()
        )
        past = [float(sold.get(start + timedelta(days=n), 0)) for n in range(history_days)]
        days = forecast.daily[forecast.daily["merchant_sku"] == sku]
        low, high, middle = (days[name].astype(float).tolist() for name in ("q10", "q90", "mean"))
        limit = _round_up(max([*past, *high, *middle]))
        body += title(f"{sku}：7天预计 {mean:.0f} 件，95%把握不超过 {q95:.0f} 件", y)
        y += TITLE
        future = x[history_days:]
        body += axis(limit, y, PANEL_HEIGHT) + _band(future, low, high, limit, y)
        body += line(x[:history_days], past, limit, y, PANEL_HEIGHT, HISTORY_COLOUR)
        body += line(future, middle, limit, y, PANEL_HEIGHT, FORECAST_COLOUR)
        y += PANEL_HEIGHT
        body += _dates([start, forecast.made_on], [x[0], future[0]], y + FOOT - 4)
        y += FOOT
    if not y:
        body, y = title("还没有销量，无法预测", 0), TITLE
    return svg(body, y)


def svg(body: str, height: int) -> str:
    """The picture around its parts."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="11" fill="{HISTORY_COLOUR}">{body}</svg>'
    )


def positions(count: int) -> list[float]:
    """Pixels of ``count`` points from the axis to the right edge."""
    return [float(v) for v in np.linspace(LEFT, WIDTH - RIGHT, count)]


def _round_up(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten, at least 1."""
    power = 10.0 ** np.floor(np.log10(max(value, 1)))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= value))


def _height(value: float, top: float, y: int, height: int) -> float:
    return y + height - height * min(value / top, 1.0)


def _points(x: Sequence[float], values: Sequence[float], top: float, y: int, height: int) -> str:
    return " ".join(f"{a:.0f},{_height(v, top, y, height):.1f}" for a, v in zip(x, values, strict=True))


def line(x: Sequence[float], values: Sequence[float], top: float, y: int, height: int, colour: str) -> str:
    """A line of values in a panel whose top is at ``y``."""
    return f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{_points(x, values, top, y, height)}"/>'


def _band(x: Sequence[float], low: Sequence[float], high: Sequence[float], top: float, y: int) -> str:
    outline = _points(x, high, top, y, PANEL_HEIGHT) + " " + _points(x[::-1], low[::-1], top, y, PANEL_HEIGHT)
    return f'<polygon fill="{BAND_COLOUR}" points="{outline}"/>'


def axis(top: float, y: int, height: int) -> str:
    """Axes of a panel, with its largest value."""
    base = y + height
    return (
        f'<path stroke="#c8ced6" fill="none" d="M{LEFT} {y}V{base}H{WIDTH - RIGHT}"/>'
        f'<text x="{LEFT - 4}" y="{y + 9}" text-anchor="end">{top:g}</text>'
        f'<text x="{LEFT - 4}" y="{base}" text-anchor="end">0</text>'
    )


def title(text: str, y: int) -> str:
    """A line of text above a panel."""
    return f'<text x="{LEFT}" y="{y + 13}" font-weight="bold">{escape(text)}</text>'


def _dates(days: Sequence[date], x: Sequence[float], y: int) -> str:
    return "".join(
        f'<text x="{a:.0f}" y="{y}" text-anchor="{"start" if a < WIDTH / 2 else "end"}">{day}</text>'
        for day, a in zip(days, x, strict=True)
    )
