"""Fails where loading orders has become slower, measured against the raw floor in the same run: a ratio, so that neither the
machine nor its load decides. The figures themselves are in ``docs/performance.md``.
"""

import sys

from orders_pipeline.bench import ingest

ORDERS = 10_000  # so few that the step takes 15 s; start-up is then a third of it all, and guarded too
ROUNDS = 2
MOST = {"initial": 2.0, "increment": 1.3}
"""Times the floor's CPU seconds. Measured 1.46 and 0.87; four tenths more is no longer noise."""


def main() -> int:
    costs = ingest.measure([ingest.OURS, ingest.FLOOR], ORDERS, 0, ROUNDS, print)
    slow = 0
    for phase, most in MOST.items():
        ours, floor = (min(run.cpu for run in costs[runner.name, phase]) for runner in (ingest.OURS, ingest.FLOOR))
        print(f"{phase}: {ours:.2f} CPU s, {ours / floor:.2f} × the floor, at most {most}")  # noqa: T201 - a script
        slow += ours > most * floor
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
