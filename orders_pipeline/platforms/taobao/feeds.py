"""The platform's lists that are read by windows and pages. What a page asks for is in ``requests.py``."""

from __future__ import annotations

from datetime import timedelta

from orders_pipeline.platforms.base import Feed, FeedName

PAGE_SIZE = 100
"""The largest that all four lists take; the quota counts calls, so full pages move most orders (section 4)."""

MONTHS_BACK = 3
"""Trades created more than three calendar months ago are in no list (decision 18)."""

ONE_DAY = timedelta(days=1)
"""increment.get allows a day; refunds and parcels name no limit, a day is assumed (decision 19)."""

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
        ),
        Feed(
            name=FeedName.ORDERS_BY_MODIFIED,
            api="taobao.trades.sold.increment.get",
            table="trade_pages",
            axis="modified",
            page_size=PAGE_SIZE,
            max_span=ONE_DAY,
            months_back=MONTHS_BACK,
        ),
        Feed(
            name=FeedName.REFUNDS_BY_MODIFIED,
            api="taobao.refunds.receive.get",
            table="refund_pages",
            axis="modified",
            page_size=PAGE_SIZE,
            max_span=ONE_DAY,
            months_back=MONTHS_BACK,
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
