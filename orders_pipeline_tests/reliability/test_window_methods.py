"""How ``sync`` reads a window, on quiet, busy and 11.11-like traffic: nothing lost, hardly a call too many."""

from __future__ import annotations

import pytest

from orders_pipeline.sync.paging import read_window
from orders_pipeline_tests.reliability.window_methods import DAY, HALF_HOUR, PAGE, Traffic
from orders_pipeline_tests.sync.moving_list import PARTS, window

ABOVE_THE_MINIMUM = 3  # list calls a window

TRAFFIC = (
    Traffic("quiet", 20, 40, DAY),
    Traffic("busy", 10, 972, DAY),
    Traffic("busy, rows leave", 20, 250, HALF_HOUR, leave=0.25),
    Traffic("11.11", 1, 8_000, DAY, rush=0.3),
    Traffic("11.11, rows leave", 1, 6_000, HALF_HOUR, leave=1.0),
)


@pytest.mark.parametrize("traffic", TRAFFIC, ids=lambda traffic: traffic.name)
def test_at_most_three_list_calls_above_the_minimum_a_window(traffic: Traffic) -> None:
    for number in range(traffic.windows):
        source = traffic.source(number)
        before = source.ids
        met: set[str] = set()
        for read in read_window(source.fetch, window(traffic.seconds), PAGE, PARTS):
            minimum = max(-(-len(read.ids) // PAGE), 1)
            assert read.calls <= minimum + ABOVE_THE_MINIMUM
            met |= read.ids
        assert before & source.ids <= met
