"""What must hold of the tables: rules as SQL that returns the rows breaking them, and how late each shop's ledger is.

Read-only, over a connection to the published copy. No Dagster here: ``defs`` and ``components`` show the findings as asset
checks, ``status`` prints them. What must hold before a COMMIT is checked by ``warehouse`` in the transaction itself.
"""

from __future__ import annotations

from orders_pipeline.quality.freshness import Freshness, freshness
from orders_pipeline.quality.reconciled import CHECKED_DAYS, Difference, differences
from orders_pipeline.quality.rules import MART_RULES, SHOP_RULES, Finding, Rule, evaluate
from orders_pipeline.quality.unusual import unusual

__all__ = [
    "CHECKED_DAYS",
    "MART_RULES",
    "SHOP_RULES",
    "Difference",
    "Finding",
    "Freshness",
    "Rule",
    "differences",
    "evaluate",
    "freshness",
    "unusual",
]
