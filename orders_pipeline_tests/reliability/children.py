"""Processes that read a shop on the shared clock, as cron or Dagster would start them, and can be killed at any moment."""

from __future__ import annotations

import multiprocessing
import os
import signal
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Literal

from orders_pipeline.platforms.base import PlatformError
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.settings import DataFolder, UserError
from orders_pipeline.shops import Shop
from orders_pipeline.sync import ShopSync
from orders_pipeline_tests.reliability.deadly import passing
from orders_pipeline_tests.reliability.shared_clock import SharedClock

Job = Literal["backfill", "increments", "one sync"]

BETWEEN_SYNCS = 300.0
"""Seconds of the shared clock between two increments."""

FAILED = 1  # exit status of a run that could not do its work, as the command's


@dataclass(frozen=True)
class Orders:
    """What a child is told: picklable."""

    job: Job
    stanzas: tuple[dict[str, object], ...]
    data: Path
    clock: Path
    slot: int
    dies: str = ""  # the place where it kills itself with SIGKILL, see ``deadly.PLACES``


def stanza(sandbox: SandboxServer, slug: str, *, backfill_days: int, calls_per_minute: int = 100) -> dict[str, object]:
    return {
        "shop": slug,
        "platform": "tmall",
        "gateway_url": sandbox.gateway_url,
        "token_url": sandbox.token_url,
        "authorize_url": sandbox.authorize_url,
        "calls_per_minute": calls_per_minute,
        "backfill_days": backfill_days,
    }


def start(orders: Orders) -> BaseProcess:
    """A process of its own, forked from a server that has imported the package: about 20 ms instead of a second."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["orders_pipeline.sync", __name__])
    process = context.Process(target=_work, args=(orders,), daemon=True)
    process.start()
    return process


def kill(process: BaseProcess, clock: SharedClock, slot: int) -> bool:
    """``kill -9``; whether it hit a living process."""
    alive = process.is_alive()
    if alive:
        os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    clock.leave(slot)
    return alive and process.exitcode == -signal.SIGKILL


def _work(orders: Orders) -> None:
    options = SandboxOptions()
    os.environ.update(
        TOP_APP_KEY=options.app_key,
        TOP_APP_SECRET=options.app_secret,
        TOP_SESSION=options.session,
        TOP_REFRESH_TOKEN=options.refresh_token,
    )
    clock = SharedClock(orders.clock, orders.slot)
    with passing(partial(_die, orders.dies)) if orders.dies else nullcontext():
        _read(orders, clock)


def _die(there: str, place: str) -> None:
    if place == there:
        os.kill(os.getpid(), signal.SIGKILL)


def _read(orders: Orders, clock: SharedClock) -> None:
    try:
        for settings in orders.stanzas:
            shop = Shop.of(settings)
            with ShopSync.open(shop, DataFolder(orders.data), run_id=f"process {os.getpid()}", clock=clock) as sync:
                if orders.job == "backfill":
                    sync.backfill()
                elif orders.job == "one sync":
                    sync.sync()
                else:
                    while True:
                        sync.sync()
                        clock.sleep(BETWEEN_SYNCS)
    except (UserError, PlatformError) as error:
        print(error)  # noqa: T201 - what the merchant would see
        raise SystemExit(FAILED) from None
    finally:
        clock.leave(orders.slot)
