"""Three processes back-fill at once under a server that bans whoever makes 101 calls in 60 seconds."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from orders_pipeline_tests.reliability.strict_quota import CALLS_PER_MINUTE, MINUTES, run


def test_the_quota_is_used_up_and_no_call_is_rejected(tmp_path: Path) -> None:
    usage = run(tmp_path)
    assert usage.exit_codes == (0, 0, 0)
    assert usage.lasted >= timedelta(minutes=MINUTES)
    assert usage.share >= 0.97
    assert usage.busiest_minute <= CALLS_PER_MINUTE
    assert usage.refused == 0
