"""One folder a platform. ``connect`` is the only way in; what comes out is ``base.Platform``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orders_pipeline.settings import UserError

if TYPE_CHECKING:
    from orders_pipeline.clock import Clock
    from orders_pipeline.platforms.base import Platform
    from orders_pipeline.shops import Credentials, Shop


def connect(shop: Shop, credentials: Credentials, clock: Clock) -> Platform:
    """A connection for the shop; sends nothing yet. Raises UserError for a platform that has no client."""
    if shop.platform in ("taobao", "tmall"):
        from orders_pipeline.platforms.taobao.client import (
            TopPlatform,
        )  # a shop pays only for its own platform's client

        return TopPlatform(shop, credentials, clock)
    raise UserError(f"Shop {shop.shop}: platform {shop.platform!r} is not yet supported; remove its stanza for now.")
