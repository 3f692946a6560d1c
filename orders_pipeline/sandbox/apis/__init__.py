"""The APIs of the sandbox platform by name, one module per family. Importing this package registers all of them."""

from __future__ import annotations

from orders_pipeline.sandbox.apis import items, logistics, refunds, stock, system, tmc, trades
from orders_pipeline.sandbox.apis.registry import APIS, Api

__all__ = ["APIS", "Api", "items", "logistics", "refunds", "stock", "system", "tmc", "trades"]
