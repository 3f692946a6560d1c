"""Dagster components and what they share with ``defs``: how a step runs and ends, how a table is shown.

``defs`` may import from here; nothing imports ``defs``.
"""

from orders_pipeline.components.shops import Shops

__all__ = ["Shops"]
