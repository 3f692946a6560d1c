"""What we ask of the platform, call by call (wire spec, sections 4 to 8). Nothing is sent here.

How answers are read is in ``pages.py`` and ``messages.py``; sizes and spans of lists are in ``feeds.py``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.platforms.base import Feed, FeedName, Message, Page, Request, RetryableError, Window
from orders_pipeline.platforms.taobao import fields, messages, pages

SERVER_TIME = "taobao.time.get"
CONFIRM = "taobao.tmc.messages.confirm"
PERMIT = "taobao.tmc.user.permit"

ITEMS_PER_PAGE = 200  # the largest that both item lists take, section 8
ITEMS_PER_CALL = 20  # num_iids of items.seller.list.get
CONFIRMED_PER_CALL = 200  # s_message_ids
CONSUMED_PER_CALL = range(10, 201)  # quantity

_LIST_FIELDS: Mapping[FeedName, Mapping[str, Any]] = {
    FeedName.ORDERS_BY_CREATED: fields.TRADE,
    FeedName.ORDERS_BY_MODIFIED: fields.TRADE,
    FeedName.REFUNDS_BY_MODIFIED: fields.REFUND,
    FeedName.SHIPMENTS_BY_CREATED: fields.SHIPPING,
}

_ID_FIELDS: Mapping[FeedName, str] = {
    FeedName.ORDERS_BY_CREATED: "tid",
    FeedName.ORDERS_BY_MODIFIED: "tid",
    FeedName.REFUNDS_BY_MODIFIED: "refund_id",
    FeedName.SHIPMENTS_BY_CREATED: "tid",
}


class TopRequests:
    """The calls of ``platforms.base.Platform`` as requests; each may be sent any number of times."""

    def list_page(
        self, feed: Feed, window: Window, page_no: int, *, count: bool, part: str | None = None
    ) -> Request[Page]:
        """One page of a feed, newest first. With ``count`` the total is asked for, else only whether more follow.

        Parcels always come with their total; their list knows no has_next. ``part`` is a status.
        """
        params = {
            "fields": fields.requested(_LIST_FIELDS[feed.name]),
            f"start_{feed.axis}": wire_time(window.start),
            f"end_{feed.axis}": wire_time(window.end),
            "page_no": str(page_no),
            "page_size": str(feed.page_size),
        }
        if feed.name is not FeedName.SHIPMENTS_BY_CREATED:
            params["type"] = fields.TRADE_TYPES
            params["use_has_next"] = "false" if count else "true"
        if part is not None:
            params["status"] = part
        return Request(feed.api, params, pages.LISTS[feed.api].parse)

    def count(self, feed: Feed, window: Window) -> Request[int]:
        """The total of a list's window: one row of one field comes along, for less cannot be asked."""
        whole = self.list_page(feed, window, 1, count=True)

        def total(raw: bytes, at: datetime) -> int:
            page = whole.parse(raw, at)
            if page.total is None:
                raise RetryableError(f"{feed.api}: no count in the answer; the call is repeated.")
            return page.total

        return Request(feed.api, {**whole.params, "fields": _ID_FIELDS[feed.name], "page_size": "1"}, total)

    def order(self, order_id: str) -> Request[Page]:
        """One order with its lines, whatever its type."""
        params = {"fields": fields.requested(fields.TRADE), "tid": order_id}
        return Request(pages.ORDER.api, params, pages.ORDER.parse_of(order_id))

    def refund(self, refund_id: str) -> Request[Page]:
        """One refund, whatever the type of its order."""
        params = {"fields": fields.requested(fields.REFUND), "refund_id": refund_id}
        return Request(pages.REFUND.api, params, pages.REFUND.parse_of(refund_id))

    def item_ids(self, page_no: int, *, on_sale: bool) -> Request[Page]:
        """Ids of listed or, with ``on_sale`` false, of unlisted items."""
        api = f"taobao.items.{'onsale' if on_sale else 'inventory'}.get"
        params = {
            "fields": fields.requested(fields.ITEM_ID),
            "page_no": str(page_no),
            "page_size": str(ITEMS_PER_PAGE),
        }
        return Request(api, params, pages.LISTS[api].parse)

    def items(self, item_ids: Sequence[str]) -> Request[Page]:
        """Up to 20 items with SKUs and stock. The platform leaves out ids that are not the shop's."""
        _at_most(ITEMS_PER_CALL, item_ids, "items")
        api = "taobao.items.seller.list.get"
        params = {"fields": fields.requested(fields.ITEM), "num_iids": ",".join(item_ids)}
        return Request(api, params, pages.LISTS[api].parse)

    def trace(self, order_id: str, line_ids: Sequence[str] = ()) -> Request[Page]:
        """The trace of an order's parcel; ``line_ids`` names the parcel by its lines where an order was split."""
        _at_most(50, line_ids, "lines of a parcel")  # sub_tid's limit
        params = {"tid": order_id}
        if line_ids:
            params |= {"is_split": "1", "sub_tid": ",".join(line_ids)}
        return Request(pages.TRACE.api, params, pages.TRACE.parse_of(order_id))

    def messages(self, quantity: int) -> Request[tuple[Message, ...]]:
        """Up to ``quantity`` (10 to 200) unconfirmed messages of all shops of the app key."""
        quantity = min(max(quantity, CONSUMED_PER_CALL[0]), CONSUMED_PER_CALL[-1])
        return Request(messages.CONSUME, {"quantity": str(quantity)}, messages.parse, needs_session=False)

    def confirm_messages(self, message_ids: Sequence[str]) -> Request[None]:
        """Confirm up to 200 messages; unconfirmed ones come again."""
        _at_most(CONFIRMED_PER_CALL, message_ids, "messages")
        params = {"s_message_ids": ",".join(message_ids)}
        return Request(CONFIRM, params, lambda raw, _: _must_succeed(CONFIRM, raw), needs_session=False)

    def permit_messages(self) -> Request[None]:
        """Let the app receive the shop's messages. Topics are left to the app's console: naming some overwrites its set."""
        return Request(PERMIT, {}, lambda raw, _: _must_succeed(PERMIT, raw))

    def message_page(self, bodies: Sequence[str], at: datetime) -> Page:
        """Messages that were received, as a page to land."""
        return messages.page(bodies, at)

    def server_time(self) -> Request[datetime]:
        """The platform's clock, aware; after it the client signs by it."""
        return Request(SERVER_TIME, {}, _read_time, needs_session=False)

    def check(self) -> Request[datetime]:
        """One row of one field: proves secret, session and permission. Returns the platform's time."""
        api = "taobao.trades.sold.get"
        params = {"fields": "tid", "page_no": "1", "page_size": "1", "use_has_next": "true"}
        return Request(api, params, lambda raw, at: pages.LISTS[api].parse(raw, at).at)


def wire_time(instant: datetime) -> str:
    """An aware instant as the platform writes it: whole seconds in GMT+8."""
    return instant.astimezone(SHOP_TZ).strftime("%Y-%m-%d %H:%M:%S")


def _at_most(limit: int, values: Sequence[str], what: str) -> None:
    if len(values) > limit:
        raise ValueError(f"{len(values)} {what} in one call; the platform takes {limit}")


def _object(api: str, raw: bytes) -> dict[str, Any]:
    value: Any = None
    with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
        value = msgspec.json.decode(raw)
    if not isinstance(value, dict):
        raise RetryableError(f"{api}: the response object is cut or no object; the call is repeated.")
    return value


def _must_succeed(api: str, raw: bytes) -> None:
    if _object(api, raw).get("is_success") not in (True, "true"):
        raise RetryableError(f"{api}: the platform did not report success; the call is repeated.")


def _read_time(raw: bytes, _: datetime) -> datetime:
    text = _object(SERVER_TIME, raw).get("time")
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHOP_TZ)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        pass
    raise RetryableError(f"{SERVER_TIME}: no time in the answer; the call is repeated.")
