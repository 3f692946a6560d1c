"""One reader a shop: the second is told who, and a killed holder holds nothing."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from orders_pipeline.clock import SystemClock
from orders_pipeline.sync.leases import ShopBusyError, holder_of, lease


def _hold(folder: str, ready: object) -> None:
    with lease(Path(folder), "sync", "tea", "run 42", SystemClock(), wait_seconds=0):
        ready.set()  # type: ignore[attr-defined]
        signal.pause()


def test_the_second_is_told_who_holds_it_and_a_killed_holder_frees_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    other = context.Process(target=_hold, args=(str(tmp_path), ready))
    other.start()
    assert ready.wait(30)
    with pytest.raises(ShopBusyError) as caught, lease(tmp_path, "sync", "tea", "me", SystemClock(), wait_seconds=0):
        pass
    assert "run 42" in str(caught.value)
    assert str(other.pid) in str(caught.value)
    assert "run 42" in (holder_of(tmp_path, "sync", "tea") or "")
    os.kill(other.pid or 0, signal.SIGKILL)
    other.join()
    with lease(tmp_path, "sync", "tea", "me", SystemClock(), wait_seconds=0):
        assert holder_of(tmp_path, "sync", "tea")
    assert holder_of(tmp_path, "sync", "tea") is None


def test_other_work_of_the_same_shop_goes_on(tmp_path: Path) -> None:
    clock = SystemClock()
    with (
        lease(tmp_path, "backfill", "tea", "me", clock, wait_seconds=0),
        lease(tmp_path, "sync", "tea", "me", clock, wait_seconds=0),
    ):
        pass
