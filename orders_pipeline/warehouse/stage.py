"""Raw files -> staged rows, in memory and before any lock. The SQL that knows a platform's words comes from its folder.

A mapping file reads the view ``pages`` (page_id, platform, shop, api, channel, window_start, window_end, page_no,
fetched_at, row_count, body), whose bodies come from the files each time they are asked for. It appends BY NAME to
``staged.<table of core>`` (its columns, page_id, and row_no from ``nextval('staged.row_no')``), to ``staged.rejected``
what it cannot map, to ``staged.unknown_codes`` what it does not know.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib import resources
from pathlib import Path
from types import TracebackType

from orders_pipeline.warehouse import schema
from orders_pipeline.warehouse.open import MEMORY_LIMIT, open_memory

MAPPING_OF_PLATFORM = {
    "taobao": "orders_pipeline.platforms.taobao.mapping",
    "tmall": "orders_pipeline.platforms.taobao.mapping",  # the same gateway and words
}

STAGED = ("orders", "order_lines", "line_parts", "refunds", "shipments", "traces", "skus", "stock_snapshots")

LEAST_ROOM = 300_000_000
"""Bytes of memory for a write, at least. 50,000 orders are staged in 90 MB and written in 240: with 200 MB some of them wait
on disk meanwhile, which makes the process 60 MB smaller and costs a seventh of the write."""

_FILES = """
CREATE VIEW staged.bodies AS
SELECT file_index::BIGINT << 32 | file_row_number AS page_id, platform, shop, api, coalesce(channel, '') AS channel,
  window_start, window_end, page_no, fetched_at, run_id, coalesce(row_count, 0) AS row_count,
  coalesce(row_count = 0, false) AS is_empty, calls,
  coalesce(shortfall, 0) AS shortfall, coalesce(body, '') AS body
FROM (
  SELECT *, file_index, file_row_number FROM read_parquet([{files}], hive_partitioning = false, union_by_name = true)
  UNION ALL BY NAME SELECT NULL::BIGINT AS shortfall WHERE false)  -- files of older versions have no such column
"""

_PAGES = "CREATE TABLE staged.pages AS SELECT * EXCLUDE (body) FROM staged.bodies"

_WINDOWS = """
CREATE TABLE staged.windows AS
SELECT platform, shop, api, window_start, window_end, fetched_at, any_value(run_id) AS run_id,
  max(coalesce(calls, 0)) AS calls, count(*)::INTEGER AS pages, sum(row_count)::BIGINT AS rows,
  any_value(channel) AS channel, max(shortfall) AS shortfall
FROM staged.pages GROUP BY platform, shop, api, window_start, window_end, fetched_at
"""


@dataclass(frozen=True, slots=True)
class StageFacts:
    """What some raw files hold: which of STAGED have rows; api -> ``field=code`` -> rows without a meaning; newest change."""

    filled: frozenset[str]
    unknown: dict[str, dict[str, int]]
    max_modified: datetime | None


class Stage:
    """Staged rows of some raw files. A context manager: its connection goes on to carry the write, then is closed."""

    def __init__(self, files: Iterable[Path], spill: Path) -> None:
        self.con = open_memory(spill)
        try:
            self._fill(sorted(files))
            self._limit_memory()
        except BaseException:
            self.con.close()
            raise

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.con.close()

    def facts(self) -> StageFacts:
        """What the write and its report need to know. To be asked before the write, which closes the connection."""
        counts = " UNION ALL ".join(f"(SELECT '{name}' FROM staged.{name} LIMIT 1)" for name in STAGED)
        unknown: dict[str, dict[str, int]] = {}
        for api, code, rows in self.con.execute(
            "SELECT api, field || '=' || code, count(*) FROM staged.unknown_codes GROUP BY ALL ORDER BY ALL"
        ).fetchall():
            unknown.setdefault(api, {})[code] = rows
        (newest,) = self.con.execute(
            "SELECT max(modified_at) FROM (SELECT modified_at FROM staged.orders UNION ALL "
            "SELECT modified_at FROM staged.refunds)"
        ).fetchone() or (None,)
        return StageFacts(
            filled=frozenset(name for (name,) in self.con.execute(counts).fetchall()),
            unknown=unknown,
            max_modified=newest.astimezone(UTC) if newest else None,
        )

    def _fill(self, files: list[Path]) -> None:
        con = self.con
        con.execute("CREATE SCHEMA staged")
        con.execute(schema.sql("staged.sql"))
        con.execute("CREATE SCHEMA core")
        for name in STAGED:
            con.execute(schema.table_ddl(f"core.{name}"))
            own = "SELECT NULL::BIGINT AS row_no, NULL::BIGINT AS page_id, *"
            con.execute(f"CREATE TABLE staged.{name} AS {own} FROM core.{name}")  # keeps types, drops NOT NULL
        con.execute("DROP SCHEMA core CASCADE")  # from here on the name is the warehouse's
        con.execute(_FILES.format(files=", ".join(map(schema.quoted, files))))
        con.execute(_PAGES)
        con.execute(_WINDOWS)
        for mapping, scripts in self._plan().items():
            con.execute(_text(mapping, importlib.import_module(mapping).PRELUDE))
            for script, apis in scripts.items():
                # each API alone: the scan of the files sees to that itself, where IN would have DuckDB collect the pages of
                # many files in one chunk, which costs a load 0.12 s
                each = (f"FROM staged.bodies WHERE api = {schema.quoted(api)}" for api in apis)
                con.execute(f"CREATE OR REPLACE TEMP VIEW pages AS {' UNION ALL '.join(each)}")
                con.execute(_text(mapping, script))
        con.execute("DROP VIEW IF EXISTS pages")
        con.execute(_text("orders_pipeline.warehouse.upsert", "newest_orders.sql"))

    def _limit_memory(self) -> None:
        """From here on twice what is staged: staged rows wait for their turn on disk. Parsing had the whole limit, as what it
        needs for a page cannot be put aside."""
        (used,) = self.con.execute("SELECT sum(memory_usage_bytes) FROM duckdb_memory()").fetchone() or (0,)
        if 2 * used < MEMORY_LIMIT:
            self.con.execute(f"SET memory_limit = '{max(2 * used, LEAST_ROOM)}B'")

    def _plan(self) -> dict[str, dict[str, list[str]]]:
        """Mapping package -> script -> APIs. Pages that no script knows are set aside; pages without rows need none."""
        plan: dict[str, dict[str, list[str]]] = {}
        unmapped = []
        for platform, api, empty in self.con.execute(
            "SELECT platform, api, bool_and(is_empty) FROM staged.pages GROUP BY ALL ORDER BY ALL"
        ).fetchall():
            mapping = MAPPING_OF_PLATFORM.get(platform)
            scripts = importlib.import_module(mapping).SQL_OF_API if mapping else {}
            if mapping is None or api not in scripts:
                unmapped.append((platform, api))
            elif scripts[api] is not None and not empty:
                apis = plan.setdefault(mapping, {}).setdefault(scripts[api], [])
                if api not in apis:
                    apis.append(api)
        for platform, api in unmapped:
            self.con.execute(
                "INSERT INTO staged.rejected SELECT page_id, NULL, 'no mapping for this api' FROM staged.pages "
                f"WHERE platform = {schema.quoted(platform)} AND api = {schema.quoted(api)}"
            )
        return plan


@lru_cache
def mapping_version() -> str:
    """Changes with whatever decides how raw pages become rows: every script of the mappings and of the upserts."""
    digest = hashlib.sha256()
    for package in sorted({*MAPPING_OF_PLATFORM.values(), "orders_pipeline.warehouse.upsert"}):
        for entry in sorted(resources.files(package).iterdir(), key=lambda entry: entry.name):
            if entry.name.endswith(".sql"):
                digest.update(entry.read_bytes())
    return digest.hexdigest()[:16]


@lru_cache
def _text(package: str, name: str) -> str:
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")
