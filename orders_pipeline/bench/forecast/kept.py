"""A panel in files: one process builds it, others open it, so that what loading took is no part of what a forecast costs.

The tables lie in a DuckDB file that is opened read-only, the arrays beside it are read where they lie. As a program,
``python -m orders_pipeline.bench.forecast.kept PANEL DATA_FOLDER FOLDER SKUS SEED`` builds one.
"""

from __future__ import annotations

import json
import sys
from dataclasses import fields, replace
from datetime import date
from pathlib import Path

import duckdb
import numpy as np

from orders_pipeline.bench.forecast.panels import Panel, load
from orders_pipeline.warehouse.open import READER_THREADS
from orders_pipeline.warehouse.schema import quoted

TABLES, FACTS = "panel.duckdb", "panel.json"
ARRAYS = ("units", "price", "first_sale")
TEXTS = ("skus", "category")
SOLD_DAYS = 100
"""Of a series that a small shop is drawn from, over the whole panel: few of the rest can be measured. So the shop is drawn with
a look ahead, at how long its SKUs will be sold; what is forecast is not."""

_REPEAT = """
INSERT INTO kept.planning.daily_sku_sales
SELECT s.* REPLACE (merchant_sku || '#' || n AS merchant_sku)
FROM memory.planning.daily_sku_sales AS s, range(1, {copies}) AS r(n);
INSERT INTO kept.core.skus
SELECT s.* REPLACE (merchant_sku || '#' || n AS merchant_sku, product_id || '#' || n AS product_id)
FROM memory.core.skus AS s, range(1, {copies}) AS r(n)
"""


def keep(panel: Panel, folder: Path, skus: int = 0, seed: int = 0) -> None:
    """Write the panel into ``folder``. Where ``skus`` are asked for, its tables hold every series so often that there are as many
    at least, or, where the panel has more, as many of those that sold on ``SOLD_DAYS``, drawn."""
    folder.mkdir(parents=True, exist_ok=True)
    copies = max(-(-skus // len(panel.skus)), 1)
    if 0 < skus < len(panel.skus):
        panel = _drawn(panel, skus, seed)
    panel.con.execute(f"ATTACH {quoted(folder / TABLES)} AS kept")
    panel.con.execute("COPY FROM DATABASE memory TO kept")
    panel.con.execute(_REPEAT.format(copies=copies))
    panel.con.execute("DETACH kept")
    for name in ARRAYS:
        np.save(folder / f"{name}.npy", getattr(panel, name))
    texts = {name: getattr(panel, name).tolist() for name in TEXTS}
    facts = {**texts, "name": panel.name, "first_day": panel.first_day.isoformat(), "stored": copies * len(panel.skus)}
    (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")


def _drawn(panel: Panel, skus: int, seed: int) -> Panel:
    """Fewer where fewer qualify."""
    known = np.flatnonzero((panel.units > 0).sum(axis=1) >= SOLD_DAYS)
    rows = np.sort(np.random.default_rng(seed).choice(known, min(skus, len(known)), replace=False))
    for table in ("planning.daily_sku_sales", "core.skus"):
        panel.con.execute(
            f"DELETE FROM {table} WHERE merchant_sku NOT IN (SELECT unnest(?))", [panel.skus[rows].tolist()]
        )
    return replace(panel, **{name: getattr(panel, name)[rows] for name in (*ARRAYS, *TEXTS)})


def opened(folder: Path) -> Panel:
    """The panel of that folder. Its arrays are those of the series once, however often the tables hold them."""
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    values = {
        "name": facts["name"],
        "con": duckdb.connect(folder / TABLES, read_only=True, config={"threads": READER_THREADS}),
        "first_day": date.fromisoformat(facts["first_day"]),
        **{name: np.array(facts[name], dtype=object) for name in TEXTS},
        **{name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS},
    }
    return Panel(**{field.name: values[field.name] for field in fields(Panel)})


def stored_skus(folder: Path) -> int:
    """How many series the tables of that folder hold."""
    return int(json.loads((folder / FACTS).read_text(encoding="utf-8"))["stored"])


if __name__ == "__main__":
    keep(load(sys.argv[1], Path(sys.argv[2])), Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
