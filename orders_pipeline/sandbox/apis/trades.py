"""Trades (spec section 4): the three lists, one trade in full or in short, and history."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.sandbox.apis.registry import api
from orders_pipeline.sandbox.call import Call
from orders_pipeline.sandbox.clock import from_wire, to_wire
from orders_pipeline.sandbox.errors import missing_argument, refused
from orders_pipeline.sandbox.store import TradeAxis, Wire

STATUSES = frozenset({
    "TRADE_NO_CREATE_PAY", "WAIT_BUYER_PAY", "PAY_PENDING", "WAIT_PRE_AUTH_CONFIRM", "PAID_FORBID_CONSIGN",
    "WAIT_SELLER_SEND_GOODS", "SELLER_CONSIGNED_PART", "WAIT_BUYER_CONFIRM_GOODS", "TRADE_BUYER_SIGNED",
    "TRADE_FINISHED", "TRADE_CLOSED", "TRADE_CLOSED_BY_TAOBAO",
})  # fmt: skip
STATUS_GROUPS = {
    "ALL_WAIT_PAY": frozenset({"TRADE_NO_CREATE_PAY", "WAIT_BUYER_PAY"}),
    "ALL_CLOSED": frozenset({"TRADE_CLOSED", "TRADE_CLOSED_BY_TAOBAO"}),
}
DEFAULT_TYPES = frozenset({"guarantee_trade", "auto_delivery", "ec", "cod", "step"})
GUARANTEE = frozenset({"fixed", "auction"})  # what guarantee_trade stands for in queries; it is never returned
EXT_TYPES = frozenset({"ershou", "service", "mark"})
TAGS = frozenset({"time_card", "fee_card"})
RATES: dict[str, Callable[[bool, bool], bool]] = {
    "RATE_UNBUYER": lambda buyer, _: not buyer,
    "RATE_UNSELLER": lambda _, seller: not seller,
    "RATE_BUYER_UNSELLER": lambda buyer, seller: buyer and not seller,
    "RATE_UNBUYER_SELLER": lambda buyer, seller: seller and not buyer,
    "RATE_BUYER_SELLER": lambda buyer, seller: buyer and seller,
}

HIDDEN_IN_INCREMENTV = frozenset({"promotion_details", "tid_str"})  # only fullinfo has these
HIDDEN_IN_LISTS = HIDDEN_IN_INCREMENTV | {"async_modified"}
HIDDEN_IN_SHORT = HIDDEN_IN_LISTS | {"oaid", "refund_id", "step_trade_status", "step_paid_fee", "step_pay_details"} | {
    f"receiver_{part}"
    for part in ("name", "mobile", "phone", "address", "country", "state", "city", "district", "town", "zip")
}  # fmt: skip
OAID_NEEDS = frozenset({"receiver_name", "receiver_address", "receiver_mobile", "receiver_phone", "created"})
OAID = frozenset({"oaid"})

PAGE_MOST = 100
HISTORY_PAGE_MOST = 50
INCREMENT_SPAN = timedelta(days=1)  # the longest window of the two increments


def months_before(now: datetime, months: int) -> str:
    """The wire date that many calendar months back, on the month's last day where the day does not exist."""
    local = now.astimezone(SHOP_TZ)
    year, month = divmod(local.year * 12 + local.month - 1 - months, 12)
    for day in (local.day, 30, 29, 28):
        try:
            return to_wire(local.replace(year=year, month=month + 1, day=day))
        except ValueError:
            continue
    raise AssertionError("every month has a 28th")


def wall(call: Call) -> str:
    """Trades created before this are in no list (decisions 18)."""
    return months_before(call.now, 3)


@api("taobao.trades.sold.get")
def sold(call: Call) -> Wire:
    """By created, newest first."""
    behind = wall(call)
    start, end = call.window("start_created", "end_created")
    if call.text("start_created") and start < behind and call.options.rows_behind_wall == "error":
        raise refused("isv.invalid-parameter:start_created", "start_created is more than three months ago")
    return _list(call, "created", max(start, behind), end, behind)


@api("taobao.trades.sold.increment.get")
def increment(call: Call) -> Wire:
    """By modified, newest first."""
    return _list(call, "modified", *_day_window(call, "start_modified", "end_modified"), wall(call))


@api("taobao.trades.sold.incrementv.get")
def incrementv(call: Call) -> Wire:
    """By arrival in the seller's database, newest first."""
    window = _day_window(call, "start_create", "end_create")
    return _list(call, "arrived", *window, wall(call), HIDDEN_IN_INCREMENTV)


@api("taobao.trades.sold.history.get")
def history(call: Call) -> Wire:
    """Trades behind the three-month wall, up to two years back."""
    start, end = call.window("start_created", "end_created")
    oldest, behind = months_before(call.now, 24), wall(call)
    page = call.page(HISTORY_PAGE_MOST)
    rows = _matching(call, call.store.trades_by("created", max(start, oldest), end, flip_ties=call.flip_ties))
    rows = [row for row in rows if row["created"] < behind]
    return call.listing("trades", "trade", rows, call.projection(_hidden(call, HIDDEN_IN_LISTS)), page)


@api("taobao.trade.fullinfo.get")
def fullinfo(call: Call) -> Wire:
    """One trade with promotion_details, tid_str and oid_str."""
    hidden = frozenset({"async_modified"})
    project = call.projection(hidden if call.flag("include_oaid") else _hidden(call, hidden))
    trade = _find(call)
    return {
        "trade": project(
            {
                **trade,
                "tid_str": str(trade["tid"]),
                "promotion_details": call.store.promotions.get(trade["tid"], []),
                "orders": [{**order, "oid_str": str(order["oid"])} for order in trade["orders"]],
            }
        )
    }


@api("taobao.trade.get")
def short(call: Call) -> Wire:
    """One trade, the fast subset."""
    project = call.projection(HIDDEN_IN_SHORT)
    return {"trade": project(_find(call))}


def _find(call: Call) -> Wire:
    trade = call.store.trade(call.whole("tid"))
    if trade is None or trade["created"] < wall(call):
        raise refused("isv.trade-not-exist", "trade does not exist")
    return trade


def _hidden(call: Call, hidden: frozenset[str]) -> frozenset[str]:
    """oaid comes only to callers who ask for the whole address anyway."""
    return hidden if call.names("fields") >= OAID_NEEDS else hidden | OAID


def _day_window(call: Call, start: str, end: str) -> tuple[str, str]:
    for name in (start, end):
        if call.text(name) is None:
            raise missing_argument(name)
    since, until = call.window(start, end)
    if from_wire(until) - from_wire(since) > INCREMENT_SPAN:
        raise refused(f"isv.invalid-parameter:{end}", f"{start} to {end} is longer than one day")
    return since, until


def _list(
    call: Call, axis: TradeAxis, start: str, end: str, behind: str, hidden: frozenset[str] = HIDDEN_IN_LISTS
) -> Wire:
    project, page = call.projection(_hidden(call, hidden)), call.page(PAGE_MOST)
    rows = _matching(call, call.store.trades_by(axis, start, end, flip_ties=call.flip_ties))
    if axis != "created":
        rows = [row for row in rows if row["created"] >= behind]
    return call.listing("trades", "trade", rows, project, page)


def _matching(call: Call, rows: list[Wire]) -> list[Wire]:
    """The rows that pass every filter; a filter that was not asked for costs nothing."""
    types = call.names("type") or DEFAULT_TYPES
    if "guarantee_trade" in types:
        types |= GUARANTEE
    rows = [row for row in rows if row["type"] in types]
    status = call.one_of("status", STATUSES | STATUS_GROUPS.keys())
    if status:
        wanted = STATUS_GROUPS.get(status, frozenset({status}))
        rows = [row for row in rows if row["status"] in wanted]
    same = {
        "buyer_nick": call.text("buyer_nick"),
        "buyer_open_uid": call.text("buyer_open_uid") or call.text("buyer_open_id"),
        "ext_type": call.one_of("ext_type", EXT_TYPES),
        "tag": call.one_of("tag", TAGS),
    }
    for name, value in same.items():
        if value:
            rows = [row for row in rows if row.get(name) == value]
    rate = call.one_of("rate_status", frozenset(RATES))
    if rate:
        rows = [row for row in rows if RATES[rate](row.get("buyer_rate", False), row.get("seller_rate", False))]
    return rows
