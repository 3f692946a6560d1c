"""The same orders by dlt, as a user would write it: from the platform into a DuckDB file, merged by order id.

``--style default``: one resource with an incremental cursor, everything else as dlt comes. ``--style tuned``: what its
documentation offers for speed: windows in parallel, Parquet between the steps, two normalise workers, no row hints to guess.
Neither has a freshness guard, an allow-list or a count check; see the README for what that means.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

FORMAT = "%Y-%m-%d %H:%M:%S"
WINDOW = timedelta(hours=12)
WORKERS = 2  # processes of the normalise step and of the machine


def pages(session: Any, address: str, axis: str, start: datetime, end: datetime) -> Iterator[list[dict[str, Any]]]:
    """The rows of a window, page by page."""
    name = "trades.sold.get" if axis == "created" else "trades.sold.increment.get"
    form = {
        "method": f"taobao.{name}",
        f"start_{axis}": start.strftime(FORMAT),
        f"end_{axis}": (end - timedelta(seconds=1)).strftime(FORMAT),
        "page_size": "100",
        "use_has_next": "true",
    }
    page, more = 1, True
    while more:
        answer = session.post(f"{address}/router/rest", data={**form, "page_no": str(page)})
        response = next(iter(answer.json().values()))
        if "trades" in response:
            yield response["trades"]["trade"]
        more, page = response["has_next"], page + 1


def windows(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        yield start, min(start + WINDOW, end)
        start += WINDOW


def default_style(address: str, axis: str, start: datetime, end: datetime) -> Any:
    import dlt
    from dlt.sources.helpers import requests

    @dlt.resource(name="orders", primary_key="tid", write_disposition="merge")  # type: ignore[untyped-decorator]
    def orders(
        modified: Any = dlt.sources.incremental("modified", initial_value="2026-01-01 00:00:00"),  # noqa: B008, ARG001
    ) -> Iterator[list[dict[str, Any]]]:
        for one, other in windows(start, end):
            yield from pages(requests, address, axis, one, other)

    return orders


def tuned_style(address: str, axis: str, start: datetime, end: datetime) -> Any:
    import dlt
    from dlt.sources.helpers import requests

    money = {"data_type": "decimal", "precision": 18, "scale": 2}
    columns = {name: {**money, "name": name} for name in ("total_fee", "payment", "post_fee", "discount_fee")}

    def window_list() -> Iterator[tuple[datetime, datetime]]:
        yield from windows(start, end)

    span = dlt.resource(window_list, name="window_list")

    @dlt.transformer(  # type: ignore[untyped-decorator]
        data_from=span,
        name="orders",
        primary_key="tid",
        write_disposition="merge",
        parallelized=True,
        columns=columns,
        max_table_nesting=2,
    )
    def orders(window: tuple[datetime, datetime]) -> Iterator[list[dict[str, Any]]]:
        session = requests.Client().session
        for rows in pages(session, address, axis, *window):
            for row in rows:
                row["lines"] = row.pop("orders")["order"]
            yield rows

    return orders


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--style", choices=("default", "tuned"), required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("address")
    parser.add_argument("axis")
    parser.add_argument("start", type=datetime.fromisoformat)
    parser.add_argument("end", type=datetime.fromisoformat)
    options = parser.parse_args()
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}
    if options.style == "tuned":
        os.environ |= {
            "NORMALIZE__WORKERS": str(WORKERS),
            "NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS": "25000",  # else one file, and one worker
            "DATA_WRITER__BUFFER_MAX_ITEMS": "20000",
            "EXTRACT__WORKERS": "4",
            "LOAD__WORKERS": str(WORKERS),
        }
    import dlt

    pipeline = dlt.pipeline(
        "orders",
        pipelines_dir=str(options.folder / "dlt"),
        destination=dlt.destinations.duckdb(str(options.folder / "dlt.duckdb")),
        dataset_name="shop",
    )
    style = tuned_style if options.style == "tuned" else default_style
    source = style(options.address, options.axis, options.start, options.end)
    pipeline.run(source, **({"loader_file_format": "parquet"} if options.style == "tuned" else {}))


if __name__ == "__main__":
    main()
