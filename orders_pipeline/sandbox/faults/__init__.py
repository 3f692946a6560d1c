"""What may go wrong between a platform and its clients, to be put together as wished: see ``plan.FaultPlan``."""

from orders_pipeline.sandbox.faults.fault import Fault
from orders_pipeline.sandbox.faults.plan import FaultPlan

__all__ = ["Fault", "FaultPlan"]
