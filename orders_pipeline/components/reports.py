"""From a step's report to what its page in the UI shows: counts under stable names, so that they plot over time."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    import duckdb

    from orders_pipeline.components.resources import Pipeline
    from orders_pipeline.sync import PullReport

_PAGES = "SELECT coalesce(sum(pages), 0) FROM ops.sync_windows WHERE shop = ? AND api = ?"

PICTURE_BYTES = 20_000
"""A picture is stored with every materialization: 20 KB a day are 7 MB a year."""


def numbers(report: object) -> dict[str, Any]:
    """The counts and instants of a report's fields, by field name; everything else (paths, ids) is left out."""
    shown: dict[str, Any] = {}
    for item in dataclasses.fields(report):  # type: ignore[arg-type]
        value = getattr(report, item.name)
        if isinstance(value, (bool, int, float)):
            shown[item.name] = value
        elif isinstance(value, datetime):
            shown[item.name] = dg.MetadataValue.timestamp(value)
        elif isinstance(value, date):
            shown[item.name] = value.isoformat()
        elif isinstance(value, Mapping) and value and all(isinstance(count, int) for count in value.values()):
            shown |= {f"{item.name}_{name}".replace(".", "_"): count for name, count in value.items()}
    return shown


def pulled(pipeline: Pipeline, shop: str, report: PullReport) -> dg.MaterializeResult[Any]:
    """Result of a step that landed pages: those that the ledger holds, and those of this pull that it will hold."""
    with pipeline.warehouse().read() as con:
        known = _one(con, _PAGES, [shop, report.api])
    return dg.MaterializeResult(metadata={"dagster/row_count": known + report.pages, **numbers(report)})


def rows_of_shop(pipeline: Pipeline, table: str, shop: str) -> int:
    """Rows of the shop in the published copy."""
    with pipeline.warehouse().read() as con:
        return _one(con, f"SELECT count(*) FROM {table} WHERE shop = ?", [shop])


def rows(pipeline: Pipeline, table: str) -> int:
    """Rows of the table in the published copy."""
    with pipeline.warehouse().read() as con:
        return _one(con, f"SELECT count(*) FROM {table}", [])


def picture(svg: str, caption: str) -> dg.MetadataValue[Any]:
    """An SVG inside markdown, which the UI draws without any file; a text where it would be too large to keep."""
    import base64

    data = svg.encode()
    if len(data) > PICTURE_BYTES:
        return dg.MetadataValue.md(f"{caption} (picture left out: {len(data):,} bytes)")
    return dg.MetadataValue.md(f"![{caption}](data:image/svg+xml;base64,{base64.b64encode(data).decode()})")


def _one(con: duckdb.DuckDBPyConnection, query: str, values: list[Any]) -> int:
    row = con.execute(query, values).fetchone()
    return int(row[0]) if row else 0
