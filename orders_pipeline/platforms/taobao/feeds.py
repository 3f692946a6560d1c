"""The platform's lists that are read by windows and pages. What a page asks for is in ``requests.py``."""

from __future__ import annotations

from datetime import timedelta

from orders_pipeline.platforms.base import Feed, FeedName

PAGE_SIZE = 100
"""The largest that all four lists take; the quota counts calls, so full pages move most orders (section 4)."""

LOOK_BACK = timedelta(days=89)
"""Rows this old are listed in any case: three calendar months are 89 days at the least (1 February to 1 May)."""

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
            max_span=LOOK_BACK,  # no limit is documented but the three months themselves
            look_back=LOOK_BACK,
        ),
        Feed(
            name=FeedName.ORDERS_BY_MODIFIED,
            api="taobao.trades.sold.increment.get",
            table="trade_pages",
            axis="modified",
            page_size=PAGE_SIZE,
            max_span=ONE_DAY,
            look_back=LOOK_BACK,
        ),
        Feed(
            name=FeedName.REFUNDS_BY_MODIFIED,
            api="taobao.refunds.receive.get",
            table="refund_pages",
            axis="modified",
            page_size=PAGE_SIZE,
            max_span=ONE_DAY,
            look_back=LOOK_BACK,
        ),
        Feed(
            name=FeedName.SHIPMENTS_BY_CREATED,
            api="taobao.logistics.orders.get",
            table="shipment_pages",
            axis="created",
            page_size=PAGE_SIZE,
            max_span=ONE_DAY,
            look_back=LOOK_BACK,
        ),
    )
}
"""By name. The refund and parcel lists' look-back is undocumented and taken to be that of trades."""
