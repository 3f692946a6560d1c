"""The raw floor: the least that loading these orders can cost with the tools that are there, and none of a product's duties.

One connection, DuckDB's own parser, one insert into each table; no allow-list, no raw files, no duplicates removed, no
ledger, nothing published. The increment deletes and inserts by id. Prints the CPU seconds of its steps as JSON:
start (interpreter and imports), download, load.
"""

from __future__ import annotations

import http.client
import json
import os
import resource
import sys
import tempfile
from datetime import datetime, timedelta
from typing import IO
from urllib.parse import urlencode, urlsplit

import duckdb

WINDOW = timedelta(hours=12)

_TEXT = "VARCHAR"
_LINE = dict.fromkeys(
    "oid status refund_status num_iid sku_id outer_iid outer_sku_id title sku_properties_name num price total_fee"
    " discount_fee adjust_fee part_mjz_discount divide_order_fee is_free_gift logistics_company invoice_no"
    " consign_time".split(),
    _TEXT,
)
_TRADE = dict.fromkeys(
    "tid type status created pay_time consign_time end_time modified total_fee post_fee discount_fee payment"
    " received_payment receiver_state receiver_city receiver_district".split(),
    _TEXT,
)
_SHAPE = json.dumps([{**_TRADE, "orders": {"order": [_LINE]}}])

_LOAD = f"""
CREATE TEMP TABLE trade AS SELECT unnest(from_json(json, '{_SHAPE}'), max_depth := 2) FROM read_ndjson_objects(?);
CREATE TABLE IF NOT EXISTS orders (tid VARCHAR, status VARCHAR, created TIMESTAMPTZ, paid TIMESTAMPTZ, modified TIMESTAMPTZ,
  total DECIMAL(18,2), payment DECIMAL(18,2), state VARCHAR, city VARCHAR);
CREATE TABLE IF NOT EXISTS lines (tid VARCHAR, oid VARCHAR, status VARCHAR, product VARCHAR, sku VARCHAR, code VARCHAR,
  title VARCHAR, properties VARCHAR, quantity INTEGER, price DECIMAL(18,2), paid DECIMAL(18,2), number VARCHAR);
DELETE FROM lines USING trade WHERE lines.tid = trade.tid;
DELETE FROM orders USING trade WHERE orders.tid = trade.tid;
INSERT INTO orders SELECT tid, status, try_cast(created AS TIMESTAMP) AT TIME ZONE 'Asia/Shanghai',
  try_cast(pay_time AS TIMESTAMP) AT TIME ZONE 'Asia/Shanghai', try_cast(modified AS TIMESTAMP) AT TIME ZONE 'Asia/Shanghai',
  total_fee, payment, receiver_state, receiver_city FROM trade;
INSERT INTO lines SELECT tid, l.oid, l.status, l.num_iid, l.sku_id, l.outer_sku_id, l.title, l.sku_properties_name, l.num,
  l.price, l.divide_order_fee, l.invoice_no FROM (SELECT tid, unnest(orders."order") AS l FROM trade);
"""


def pages(address: str, axis: str, start: datetime, end: datetime, out: IO[bytes]) -> None:
    """The rows of every page of every window, a JSON list a line."""
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname or "", place.port)
    api = "taobao.trades.sold.get" if axis == "created" else "taobao.trades.sold.increment.get"
    while start < end:
        stop = min(start + WINDOW, end)
        page, more = 1, True
        while more:
            form = {
                "method": api,
                f"start_{axis}": f"{start:%Y-%m-%d %H:%M:%S}",
                f"end_{axis}": f"{stop - timedelta(seconds=1):%Y-%m-%d %H:%M:%S}",
                "page_no": page,
                "page_size": 100,
                "use_has_next": "true",
            }
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", "/router/rest", urlencode(form), headers)
            body = connection.getresponse().read()
            rows = body.find(b'"trade":[')
            if rows > 0:
                out.write(body[rows + 8 : body.rindex(b"]") + 1] + b"\n")
            more = b'"has_next":true' in body[:200]
            page += 1
        start = stop


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(address: str, file: str, axis: str, start: str, end: str) -> None:
    marks = [cpu()]
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(file) or ".", suffix=".ndjson") as out:
        pages(address, axis, datetime.fromisoformat(start), datetime.fromisoformat(end), out)
        out.flush()
        marks.append(cpu())
        with duckdb.connect(file, config={"threads": 1}) as con:  # two cost half as much again
            con.execute("BEGIN")
            for statement in con.extract_statements(_LOAD):
                con.execute(statement, [out.name] if "?" in statement.query else None)
            con.execute("COMMIT")
            (rows,) = con.execute("SELECT count(*) FROM orders").fetchone() or (0,)
    marks.append(cpu())
    sys.stdout.write(
        json.dumps({"start": marks[0], "download": marks[1] - marks[0], "load": marks[2] - marks[1], "orders": rows})
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
