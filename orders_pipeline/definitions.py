"""What Dagster starts from: loads ``defs/``, nothing else."""

from __future__ import annotations

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """All definitions. Where the stanza file cannot be read as YAML, everything but the shops, and the fault as an asset."""
    import orders_pipeline.defs
    from orders_pipeline.components.loading import load_tree

    return load_tree(orders_pipeline.defs)
