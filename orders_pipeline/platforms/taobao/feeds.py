"""The platform's lists that are read by windows and pages. What a page asks for is in ``requests.py``."""

from __future__ import annotations

from datetime import timedelta

from orders_pipeline.platforms.base import Feed, FeedName
from orders_pipeline.platforms.taobao.fields import TRADE_TYPES

PAGE_SIZE = 100
"""The largest that all four lists take; the quota counts calls, so full pages move most orders (section 4)."""

MONTHS_BACK = 3
"""Trades created more than three calendar months ago are in no list (decision 18)."""

ONE_DAY = timedelta(days=1)
"""increment.get allows a day; refunds and parcels name no limit, a day is assumed (decision 19)."""

TRADE_STATUSES = (
    "WAIT_BUYER_PAY",
    "WAIT_SELLER_SEND_GOODS",
    "WAIT_BUYER_CONFIRM_GOODS",
    "TRADE_FINISHED",
    "TRADE_CLOSED",
    "TRADE_CLOSED_BY_TAOBAO",
    "SELLER_CONSIGNED_PART",
    "TRADE_BUYER_SIGNED",
    "TRADE_NO_CREATE_PAY",
    "PAY_PENDING",
    "WAIT_PRE_AUTH_CONFIRM",
    "PAID_FORBID_CONSIGN",
)
REFUND_STATUSES = (
    "WAIT_SELLER_AGREE",
    "WAIT_BUYER_RETURN_GOODS",
    "WAIT_SELLER_CONFIRM_GOODS",
    "SELLER_REFUSE_BUYER",
    "CLOSED",
    "SUCCESS",
    "WAIT_BUYER_CONFIRM_EXCHANGE_SELLER_SEND_GOODS",
    "EXCHANGE_TRANSFORM_TO_REFUND",
    "WAIT_SELLER_CONSIGN_GOODS",
)
"""What the ``status`` filters take (sections 4 and 5), the commonest first. A row with another one is in no part."""

TYPES = frozenset(TRADE_TYPES.split(","))

FEEDS = {
    feed.name: feed
    for feed in (
        Feed(
            name=FeedName.ORDERS_BY_CREATED,
            api="taobao.trades.sold.get",
            table="trade_pages",
            axis="created",
            page_size=PAGE_SIZE,
            max_span=timedelta(days=92),  # no limit is documented but the three months themselves
            months_back=MONTHS_BACK,
            parts=TRADE_STATUSES,
            types=TYPES,
        ),
        Feed(
            name=FeedName.ORDERS_BY_MODIFIED,
            api="taobao.trades.sold.increment.get",
            table="trade_pages",
            axis="modified",
            page_size=PAGE_SIZE,
            max_span=ONE_DAY,
            months_back=MONTHS_BACK,
            parts=TRADE_STATUSES,
            types=TYPES,
        ),
        Feed(
            name=FeedName.REFUNDS_BY_MODIFIED,
            api="taobao.refunds.receive.get",
            table="refund_pages",
            axis="modified",
            page_size=PAGE_SIZE,
            max_span=ONE_DAY,
            months_back=MONTHS_BACK,
            parts=REFUND_STATUSES,
            types=TYPES,
        ),
        Feed(
            name=FeedName.SHIPMENTS_BY_CREATED,
            api="taobao.logistics.orders.get",
            table="shipment_pages",
            axis="created",
            page_size=PAGE_SIZE,
            max_span=ONE_DAY,
            months_back=MONTHS_BACK,
        ),
    )
}
"""By name. The refund and parcel lists' look-back is undocumented and taken to be that of trades."""
