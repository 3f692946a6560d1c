"""The simulated shop behind the sandbox platform. It writes into the store and knows nothing of HTTP."""

from orders_pipeline.sandbox.world.world import World

__all__ = ["World"]
