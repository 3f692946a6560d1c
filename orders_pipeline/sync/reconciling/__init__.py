"""Comparing what is here with the platform, naming what differs and why, and mending it.

Two ways: ``nightly`` counts (61 calls when nothing differs) and looks closer only where counts differ; ``daily`` reads a
whole day. Both share ``comparing`` (ids and versions of one window), ``healing`` and ``recording``. Nothing here ever
deletes a row: what the platform no longer knows is marked vanished.
"""

from orders_pipeline.sync.reconciling.daily import reconcile_day, reconcile_window
from orders_pipeline.sync.reconciling.nightly import reconcile_night
from orders_pipeline.sync.reconciling.report import Calls, Finding, ReconciliationReport

__all__ = ["Calls", "Finding", "ReconciliationReport", "reconcile_day", "reconcile_night", "reconcile_window"]
