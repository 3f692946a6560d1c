"""What the tables hold of a list: the rows that the platform would show in a window, had nothing been lost.

A list shows no order older than its wall, none of a type that was not asked for, and each row once, at its newest
``modified``: the tables keep one row an id as well, so both sides can be counted alike once the tail has been read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb

from orders_pipeline.platforms.base import Feed, Window

_ORDERS = """
SELECT order_id AS id, created_at, modified_at, order_type FROM core.orders
WHERE shop = $shop AND vanished_at IS NULL AND created_at >= $wall
"""

# the wall of refunds is not documented; their type is that of their order, and an unknown order's is taken to be listed
_REFUNDS = """
SELECT r.refund_id AS id, r.created_at, r.modified_at, o.order_type
FROM core.refunds AS r LEFT JOIN core.orders AS o USING (platform, shop, order_id)
WHERE r.shop = $shop AND r.vanished_at IS NULL
"""

# what is known to be in no list (``unlisted.py``) is no difference
_LISTED = """
FROM ({rows}) WHERE {axis}_at BETWEEN $start AND $end
  AND (order_type IS NULL OR len($types) = 0 OR list_contains($types, order_type))
  AND id NOT IN (SELECT subject FROM ops.incidents WHERE kind = $unlisted AND shop = $shop AND closed_at IS NULL)
"""

_TABLE = {"trade_pages": ("core.orders", "order_id", _ORDERS), "refund_pages": ("core.refunds", "refund_id", _REFUNDS)}

UNLISTED = {"trade_pages": "unlisted_order", "refund_pages": "unlisted_refund"}
"""Raw table -> kind of the incident of a row that the platform knows by its id and shows in no list."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row here: when it was created, which version of it is here, the type of its order."""

    created_at: datetime
    version: datetime
    order_type: str | None


class Tables:
    """A shop's rows of one list, over an open connection. ``now`` is the platform's time: it places the wall."""

    def __init__(self, con: duckdb.DuckDBPyConnection, shop: str, feed: Feed, now: datetime) -> None:
        self._con = con
        self._feed = feed
        self._table, self._id, rows = _TABLE[feed.table]
        self._from = _LISTED.format(rows=rows, axis=feed.axis)
        self._shop, self._unlisted = shop, UNLISTED[feed.table]
        self._named: dict[str, Any] = {"shop": shop, "types": sorted(feed.types)}
        if "$wall" in rows:
            self._named["wall"] = feed.wall(now)

    def count(self, window: Window) -> int:
        """Rows that the list should show in the window."""
        (count,) = self._read("SELECT count(*)", window)[0]
        return int(count)

    def instants(self, window: Window) -> list[datetime]:
        """The time of each such row on the list's axis, oldest first."""
        rows = self._read(f"SELECT {self._feed.axis}_at", window, "ORDER BY 1")
        return [instant.astimezone(UTC) for (instant,) in rows]

    def listed(self, window: Window) -> dict[str, Row]:
        """Those rows by id."""
        rows = self._read("SELECT id, created_at, modified_at, order_type", window)
        return {row[0]: _row(*row[1:]) for row in rows}

    def known(self, ids: Collection[str]) -> dict[str, Row]:
        """Rows of these ids, wherever the list would show them; those that are marked vanished left out."""
        rows = self._con.execute(
            f"SELECT {self._id}, created_at, modified_at, {self._type()} FROM {self._table} AS t "
            f"WHERE shop = $shop AND vanished_at IS NULL AND {self._id} IN (SELECT unnest($ids))",
            {"shop": self._shop, "ids": list(ids)},
        ).fetchall()
        return {row[0]: _row(*row[1:]) for row in rows}

    def _type(self) -> str:
        if self._table == "core.orders":
            return "order_type"
        return (
            "(SELECT any_value(order_type) FROM core.orders o "
            "WHERE o.platform = t.platform AND o.shop = t.shop AND o.order_id = t.order_id)"
        )

    def _read(self, select: str, window: Window, order: str = "") -> list[tuple[Any, ...]]:
        named = {**self._named, "unlisted": self._unlisted, "start": window.start, "end": window.end}
        return self._con.execute(f"{select} {self._from} {order}", named).fetchall()


def unlisted(
    con: duckdb.DuckDBPyConnection, shop: str, feed: Feed, now: datetime
) -> tuple[frozenset[str], frozenset[str]]:
    """Ids with an open incident of being in no list; those of them that are gone, or behind the wall of every list."""
    table, key, _ = _TABLE[feed.table]
    rows = con.execute(
        "SELECT subject, NOT EXISTS (SELECT 1 FROM "
        f"{table} WHERE shop = $shop AND {key} = subject AND vanished_at IS NULL AND created_at >= $wall) "
        "FROM ops.incidents WHERE kind = $kind AND shop = $shop AND closed_at IS NULL",
        {"shop": shop, "kind": UNLISTED[feed.table], "wall": feed.wall(now)},
    ).fetchall()
    return frozenset(row_id for row_id, _ in rows), frozenset(row_id for row_id, over in rows if over)


def mark_vanished(con: duckdb.DuckDBPyConnection, shop: str, feed: Feed, ids: Iterable[str], at: datetime) -> None:
    """Keep these rows and say that the platform does not know them any more. Inside the caller's transaction."""
    table, key, _ = _TABLE[feed.table]
    con.execute(
        f"UPDATE {table} SET vanished_at = ? WHERE shop = ? AND {key} IN (SELECT unnest(?))", [at, shop, list(ids)]
    )


def _row(created: datetime, modified: datetime, order_type: str | None) -> Row:
    return Row(created.astimezone(UTC), modified.astimezone(UTC), order_type)
