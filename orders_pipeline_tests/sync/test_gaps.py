"""Holes that nobody can fill any more: said once, with what to do, and nothing stays red for them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import msgspec
from click.testing import CliRunner

from orders_pipeline.cli.health import look, problems
from orders_pipeline.cli.status import status
from orders_pipeline.clock import shop_day
from orders_pipeline.platforms.base import FeedName, Window
from orders_pipeline.platforms.taobao.feeds import FEEDS
from orders_pipeline.settings import DataFolder
from orders_pipeline.sync import ShopSync
from orders_pipeline.sync.windows import OVERLAP, reachable, wall
from orders_pipeline.warehouse import Warehouse
from orders_pipeline_tests.conftest import NOON, living_sandbox, shop_of

OpenSync = Callable[..., AbstractContextManager[ShopSync]]
FEED = FEEDS[FeedName.ORDERS_BY_MODIFIED]
DAY = timedelta(days=1)


def remember(folder: DataFolder, *windows: tuple[datetime, datetime]) -> None:
    """Windows that a shop has read in another life."""
    warehouse = Warehouse(folder)
    with warehouse.write("test") as con:
        for start, end in windows:
            con.execute(
                "INSERT INTO ops.sync_windows (platform, shop, api, window_start, window_end, fetched_at, calls, pages, rows,"
                " channel, shortfall) VALUES ('tmall', 'tea_tmall', ?, ?, ?, ?, 1, 1, 0, 'incremental', 0)",
                [FEED.api, start, end, end],
            )
    warehouse.flush()


def gaps(folder: DataFolder) -> list[tuple[str, bool, str]]:
    with Warehouse(folder).read() as con:
        return con.execute(
            "SELECT subject, closed_at IS NULL, detail FROM ops.incidents WHERE kind = 'sync_gap' ORDER BY opened_at"
        ).fetchall()


def test_a_hole_behind_the_wall_is_said_once_and_keeps_nothing_red(folder: DataFolder, open_sync: OpenSync) -> None:
    with living_sandbox(2, 20) as sandbox:
        oldest = wall(FEED, NOON)
        remember(folder, (NOON - 200 * DAY, NOON - 120 * DAY))
        with open_sync(sandbox, backfill_days=2) as sync:
            sync.backfill()
            # as if the run that came back after the outage had just read everything from the wall on
            remember(folder, (oldest - OVERLAP, NOON - timedelta(hours=1)))
            sync.sync()
            for _ in range(2):
                sandbox.clock.advance(600)
                sync.sync()
        ((subject, is_open, detail),) = gaps(folder)
        assert not is_open
        assert subject.startswith(f"{FEED.api} 2025-09-17 12:00:01 to 2025-10-")
        assert "export it from the seller's own page" in detail
        health = look(folder, ["tea_tmall"], sandbox.clock.now())
        assert [line for line in problems(health, shop_day(NOON)) if "tea_tmall" in line] == []
        found = health.shops["tea_tmall"]
        assert (len(found.holes), len(found.lost)) == (0, 1)
        assert found.fresh is not None
        assert not found.fresh.late
        told = told_by_status(folder, msgspec.json.encode(shop_of(sandbox)).decode(), sandbox.clock)
    assert "never read, and the platform lists nothing of then any more: tea_tmall" in told


def told_by_status(folder: DataFolder, stanza: str, clock: object) -> str:
    stanzas = folder.root / "shops.yaml"
    stanzas.write_text(f"attributes:\n  shops:\n    - {stanza}\n")
    return (
        CliRunner(env={"ORDERS_PIPELINE_SHOPS": str(stanzas)})
        .invoke(status, ["--data", str(folder.root)], obj=clock)
        .output
    )


def test_a_hole_that_crosses_the_wall_is_read_from_the_wall_on_and_then_closes(
    folder: DataFolder, open_sync: OpenSync
) -> None:
    """Its incident opens while it waits, and closes when what is left of it is past reading."""
    with living_sandbox(2, 20) as sandbox:
        oldest = wall(FEED, NOON)
        readable = (oldest + DAY, NOON - timedelta(hours=1))  # a day of windows is left to read
        remember(folder, (NOON - 200 * DAY, NOON - 120 * DAY), readable)
        with open_sync(sandbox, backfill_days=2) as sync:
            sandbox.gateway.tokens.apps[sandbox.options.app_key] = "rotated"
            try_in_vain(sync)
            assert [(subject, is_open) for subject, is_open, _ in gaps(folder)] == [(FEED.api, True)]
            sandbox.gateway.tokens.apps[sandbox.options.app_key] = sandbox.options.app_secret
            sync.sync()
        assert [is_open for _, is_open, _ in gaps(folder)] == [False, False]
        assert len({subject for subject, _, _ in gaps(folder)}) == 2


def try_in_vain(sync: ShopSync) -> None:
    from orders_pipeline.platforms.base import SignatureError

    try:
        sync.sync()
    except SignatureError:
        return
    raise AssertionError("the call was signed with an old secret")


def test_what_is_reachable_begins_after_the_last_hole_behind_the_wall() -> None:
    windows = [Window(NOON - n * 10 * DAY, NOON - (n * 10 - 5) * DAY) for n in (5, 4, 3, 2)]
    assert reachable(windows, NOON - 60 * DAY) == windows
    assert reachable(windows, NOON - 50 * DAY) == windows  # what lies before the first was never asked for
    assert reachable(windows, NOON - 35 * DAY) == windows[1:]
    assert reachable(windows, NOON) == windows[3:]
    assert reachable([], NOON) == []
