"""Pictures: well-formed, self-contained, small, and drawn from the numbers given."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from xml.etree import ElementTree

import duckdb

from orders_pipeline.forecasting import make_forecast
from orders_pipeline.forecasting.charts import forecast_fan_svg, sales_curve_svg
from orders_pipeline_tests.forecasting.conftest import MADE_ON, Row, fill_sales


def check(svg: str) -> ElementTree.Element:
    assert len(svg.encode()) <= 20_000
    assert "http" not in svg.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "nan" not in svg
    return ElementTree.fromstring(svg)


def test_the_fan_shows_the_top_skus_and_escapes_their_codes(
    con: duckdb.DuckDBPyConnection, shop_rows: Callable[[int, int, int], list[Row]]
) -> None:
    fill_sales(con, shop_rows(30, 60, 1))
    fill_sales(con, [("<b>&A", MADE_ON - timedelta(days=d), 50) for d in range(1, 61)])
    picture = check(forecast_fan_svg(con, make_forecast(con, MADE_ON)))
    titles = [text.text or "" for text in picture.iter("{http://www.w3.org/2000/svg}text") if text.get("font-weight")]
    assert len(titles) == 5
    assert titles[0].startswith("<b>&A：7天预计")


def test_a_fan_of_one_sku(con: duckdb.DuckDBPyConnection) -> None:
    fill_sales(
        con, [(sku, MADE_ON - timedelta(days=d), units) for sku, units in (("A", 9), ("B", 1)) for d in range(1, 61)]
    )
    picture = check(forecast_fan_svg(con, make_forecast(con, MADE_ON), skus=["B"]))
    titles = [text.text or "" for text in picture.iter("{http://www.w3.org/2000/svg}text") if text.get("font-weight")]
    assert [title[:1] for title in titles] == ["B"]


def test_the_curve_reaches_the_top_on_the_best_day(con: duckdb.DuckDBPyConnection) -> None:
    fill_sales(
        con, [("A", MADE_ON - timedelta(days=2), 50), ("B", MADE_ON - timedelta(days=2), 50), ("B", MADE_ON, 900)]
    )
    svg = sales_curve_svg(con, MADE_ON)
    check(svg)
    line = re.search(r'<polyline [^>]*points="([^"]*)"', svg)
    assert line is not None
    heights = [float(point.split(",")[1]) for point in line.group(1).split()]
    assert len(heights) == 90
    assert heights.index(min(heights)) == 88  # the day before yesterday of MADE_ON
    assert min(heights) == 18  # 100 of 100: the top of the axis


def test_an_empty_shop_has_pictures_too(con: duckdb.DuckDBPyConnection) -> None:
    check(sales_curve_svg(con, MADE_ON))
    check(forecast_fan_svg(con, make_forecast(con, MADE_ON)))
