"""Fits the buyers' profile to a real month of orders and prints it as the source text of ``profile.py``.

Run: ``python -m orders_pipeline.sandbox.world.fit FILE.parquet``. The file needs the columns total_amount, province,
created_ts, paid_ts (NULL = never paid) and refund_amount. Only the fit belongs here; what the world does with the
numbers is in ``demand.py`` and ``buyers.py``.
"""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path

from orders_pipeline.sandbox.world.profile import DELAY_LEVELS, Profile

NORMAL_TRADING_FROM = "2020-02-17"
"""Before that day the shop was shut for the epidemic (2 to 400 orders a day) and 36 to 44 % of orders were refunded."""

MEMORY_LIMIT = "2GB"
"""For a table of orders on a developer's machine; the default is 80 % of its memory."""


def fit(path: Path) -> Profile:
    """The profile of the orders in a Parquet file, of the days of normal trading."""
    import duckdb

    with duckdb.connect(config={"memory_limit": MEMORY_LIMIT}) as con:
        con.execute(
            "CREATE TABLE orders AS SELECT *, epoch(paid_ts - created_ts) AS delay FROM read_parquet(?) WHERE created_ts >= ?",
            [str(path), NORMAL_TRADING_FROM],
        )
        hours = con.execute(
            "SELECT round(count(created_ts) / (SELECT count(*) FROM orders), 4) "
            "FROM range(24) AS h(hour) LEFT JOIN orders ON hour(created_ts) = h.hour GROUP BY h.hour ORDER BY h.hour"
        ).fetchall()
        shares = con.execute(
            "SELECT round(avg(CAST(paid_ts IS NULL AS INTEGER)), 4), "
            "round(avg(CAST(refund_amount > 0 AS INTEGER)) FILTER (paid_ts IS NOT NULL), 4), "
            "round(avg(CAST(refund_amount >= total_amount AS INTEGER)) FILTER (refund_amount > 0), 4) FROM orders"
        ).fetchone()
        delays = con.execute(
            "SELECT quantile_disc(delay, ?) FROM orders WHERE paid_ts IS NOT NULL", [list(DELAY_LEVELS)]
        ).fetchone()
        provinces = con.execute(
            "SELECT province, round(count(*) / (SELECT count(*) FROM orders), 4) AS share FROM orders "
            "GROUP BY province ORDER BY share DESC, province"
        ).fetchall()
    assert shares is not None  # noqa: S101  an aggregate without GROUP BY always returns one row
    assert delays is not None  # noqa: S101
    return Profile(
        hour_shares=tuple(row[0] for row in hours),
        unpaid_share=shares[0],
        refunded_share=shares[1],
        full_refund_share=shares[2],
        payment_delays=tuple(int(value) for value in delays[0]),
        province_shares=dict(provinces),
    )


def main() -> None:
    """Print the fitted profile as Python."""
    profile = fit(Path(sys.argv[1]))
    lines = [f"    {item.name}={getattr(profile, item.name)!r}," for item in fields(profile)]
    sys.stdout.write("PROFILE = Profile(\n" + "\n".join(lines) + "\n)\n")


if __name__ == "__main__":
    main()
