"""What to do about an error that stands in no table: a plain rule, which sync uses, and the learned model that it was
measured against. ``python -m orders_pipeline.platforms.taobao.triage`` prints the measurement.
"""

from __future__ import annotations

from orders_pipeline.platforms.taobao.triage.rule import Action, advise

__all__ = ["Action", "advise"]
