"""The first day that reconciliation offers as a partition: the day before this data folder was first loaded.

A start long ago would show a fresh install as a wall of missing days, and one that moves with today would drop days that were
checked; so the day is written down once, beside Dagster's history.
"""

from __future__ import annotations

from datetime import date, timedelta

from orders_pipeline.clock import SystemClock, shop_day
from orders_pipeline.settings import UserError, data_folder

_FILE = "first_day.txt"


def first_day() -> date:
    """The day as written down; written now if it is not yet. Where nothing can be written: yesterday."""
    yesterday = shop_day(SystemClock().now()) - timedelta(days=1)
    try:
        file = data_folder().create().dagster / _FILE
        with file.open("x", encoding="utf-8") as handle:
            handle.write(f"{yesterday.isoformat()}\n")
    except FileExistsError:
        pass
    except (UserError, OSError):
        return yesterday
    try:
        return date.fromisoformat(file.read_text(encoding="utf-8").strip())
    except ValueError:  # another process is just writing it, or somebody edited it
        return yesterday
