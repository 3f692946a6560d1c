"""One origin of a real panel: M5, store CA_1, against what anybody could do without a model."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from orders_pipeline.forecasting import make_forecast, measure_accuracy, store_forecast

DATA = Path(__file__).parents[2].parent / "shared" / "data"
MADE_ON = date(2016, 2, 29)  # before the origins that the benchmark reports on
WEEK = pd.date_range(MADE_ON, periods=7)

pytestmark = pytest.mark.skipif(
    not (DATA / "m5_daily_sales.parquet").exists(), reason="needs ../shared/data (M5), which is absent"
)


def test_beats_repeating_last_week_and_the_four_week_mean(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        f"""
        INSERT INTO planning.daily_sku_sales
        SELECT item_id, s.date, qty, 1, qty * sell_price, 0, NULL
        FROM '{DATA}/m5_daily_sales.parquet' AS s
        JOIN '{DATA}/m5_calendar.parquet' AS c ON c.date::DATE = s.date
        JOIN '{DATA}/m5_sell_prices.parquet' AS p USING (store_id, item_id, wm_yr_wk)
        WHERE store_id = 'CA_1' AND qty > 0 AND s.date < ?
        """,
        [MADE_ON + timedelta(days=7)],
    )
    forecast = make_forecast(con, MADE_ON)
    assert forecast.model == "hurdle"
    store_forecast(con, forecast)
    measure_accuracy(con, MADE_ON + timedelta(days=7))
    stored = con.execute(
        "SELECT wrmsse, bias, coverage_q90, coverage_q95 FROM planning.forecast_accuracy WHERE horizon = 0"
    ).fetchone()
    assert stored is not None
    wrmsse, bias, q90, q95 = stored

    rows = con.execute(
        "SELECT merchant_sku, date, units, revenue::DOUBLE AS revenue FROM planning.daily_sku_sales"
    ).df()
    units = rows.pivot_table(index="merchant_sku", columns="date", values="units", fill_value=0)
    # the store is closed at Christmas: a day without a row is still a day
    units = units.reindex(columns=pd.date_range(rows["date"].min(), WEEK[-1]), fill_value=0).loc[
        forecast.totals["merchant_sku"]
    ]
    past, actual = units.loc[:, units.columns < WEEK[0]], units[WEEK].to_numpy()
    known = rows[(rows["date"] < WEEK[0]) & (rows["units"] > 0)].sort_values("date").groupby("merchant_sku").last()
    weight = past.iloc[:, -28:].sum(axis=1) * (known["revenue"] / known["units"])[past.index]
    steps = past.diff(axis=1).pow(2).where(past.cumsum(axis=1).shift(axis=1) > 0)
    scale = np.sqrt(steps.mean(axis=1))
    means = forecast.daily.pivot(index="merchant_sku", columns="target_date", values="mean").to_numpy()

    def weighted(prediction: np.ndarray) -> float:
        error = np.sqrt(((actual - prediction) ** 2).mean(axis=1)) / scale
        return float((weight * error)[scale > 0].sum() / weight[scale > 0].sum())

    naive = weighted(past.iloc[:, -7:].to_numpy())
    window = weighted(np.repeat(past.iloc[:, -28:].mean(axis=1).to_numpy()[:, None], 7, axis=1))
    assert wrmsse == pytest.approx(weighted(means), abs=1e-6)
    # the prototype's margins over eight origins are 28 % and 5.4 %; a seed moves .3 %
    assert wrmsse < 0.80 * naive
    assert wrmsse < 0.97 * window
    assert abs(bias) < 0.1
    assert abs(q90 - 0.9) < 0.04
    assert abs(q95 - 0.95) < 0.03
