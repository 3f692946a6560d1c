"""A data folder with loaded shops for a benchmark: a real first load, then as many stored orders as are wanted."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from orders_pipeline.bench.platform import BusyPlatform
from orders_pipeline.settings import DataFolder
from orders_pipeline.shops import Shop
from orders_pipeline.sync import ShopSync
from orders_pipeline.warehouse import Warehouse

PLENTY = 1_000_000  # calls a minute while the first load runs, which is not what is measured

_MULTIPLY = """
INSERT INTO core.{table}
SELECT stored.* REPLACE ({columns}) FROM core.{table} AS stored, range(1, {times} + 1) AS copies(n)
"""
_IDS = {"orders": ("order_id",), "order_lines": ("order_id", "line_id")}


def stanza_file(folder: DataFolder, platform: BusyPlatform, settings: Mapping[str, object]) -> list[Shop]:
    """Write ``shops.yaml`` with a stanza for each seller of the platform; the shops."""
    stanzas = [
        {
            "shop": shop,
            "platform": "tmall",
            "gateway_url": platform.server.gateway_url,
            "token_url": platform.server.token_url,
            "authorize_url": platform.server.authorize_url,
            "session_env": f"BENCH_SESSION_{shop.upper()}",
            "refresh_token_env": "BENCH_NO_REFRESH_TOKEN",
            **settings,
        }
        for shop in platform.sessions
    ]
    document = {"type": "orders_pipeline.components.Shops", "attributes": {"shops": stanzas}}
    (folder.root / "shops.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return [Shop.of(stanza) for stanza in stanzas]


def environment(platform: BusyPlatform) -> dict[str, str]:
    """The secrets of the sellers under the names that the stanzas give."""
    return {
        "TOP_APP_KEY": platform.options.app_key,
        "TOP_APP_SECRET": platform.options.app_secret,
        **{f"BENCH_SESSION_{shop.upper()}": session for shop, session in platform.sessions.items()},
    }


def load(folder: DataFolder, platform: BusyPlatform, days: int, orders: int) -> None:
    """Back-fill every shop, bring it up to date, and store ``orders`` orders in all by copying those there are.

    The secrets must be in the environment.
    """
    for shop in stanza_file(folder, platform, {"calls_per_minute": PLENTY, "backfill_days": days}):
        with ShopSync.open(shop, folder, holder="bench") as sync:
            sync.backfill()
            sync.sync()
    warehouse = Warehouse(folder)
    with warehouse.write("bench") as con:
        (stored,) = con.execute("SELECT count(*) FROM core.orders").fetchone() or (0,)
        times = -(-(orders - stored) // stored)
        if times > 0:
            for table, ids in _IDS.items():
                columns = ", ".join(f"{name} || '-' || n AS {name}" for name in ids)
                con.execute(_MULTIPLY.format(table=table, columns=columns, times=times))
    warehouse.flush()
    for file in folder.root.glob("ops.sqlite*"):  # what it holds may be lost at any time: here the load's spent quota
        file.unlink()


def stored_orders(folder: DataFolder) -> int:
    """Orders in the published copy."""
    with Warehouse(folder).read() as con:
        (count,) = con.execute("SELECT count(*) FROM core.orders").fetchone() or (0,)
    return int(count)
