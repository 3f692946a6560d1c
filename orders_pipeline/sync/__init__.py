"""Keeping a shop in step with its platform: windows, paging, ledger, quota, leases, landing.

Knows no platform's words and no Dagster. Start at ``shop_sync.ShopSync``: everything that reads a shop goes through it.
"""

from orders_pipeline.sync.changes import ChangeReport
from orders_pipeline.sync.context import Progress, PullReport
from orders_pipeline.sync.leases import ShopBusyError
from orders_pipeline.sync.reconciling import Finding, ReconciliationReport
from orders_pipeline.sync.shop_sync import ShopSync
from orders_pipeline.sync.steps import SyncReport

__all__ = [
    "ChangeReport",
    "Finding",
    "Progress",
    "PullReport",
    "ReconciliationReport",
    "ShopBusyError",
    "ShopSync",
    "SyncReport",
]
