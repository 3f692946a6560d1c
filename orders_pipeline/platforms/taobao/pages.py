"""Turns response objects into ``Page``: reduced to allowed fields, with the keys by which passes are united.

Knows the shapes of answers; what is asked is in ``requests.py``, what may stay in ``fields.py``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import msgspec

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.platforms.base import Page, RawTable, RetryableError
from orders_pipeline.platforms.taobao import fields
from orders_pipeline.platforms.taobao.allow_list import AllowList, column, get
from orders_pipeline.platforms.taobao.drift import news
from orders_pipeline.platforms.taobao.fields import CODE, FLAG, NUMBER, Rows

Keys = Callable[[Sequence[Any]], tuple[tuple[str, str], ...]]

_BLANK = frozenset({None, ""})


def by(*id_fields: str, version: str = "modified") -> Keys:
    """The keys of rows: each one's id (several fields joined by ``|``) and the text of its version."""

    def keys(rows: Sequence[Any]) -> tuple[tuple[str, str], ...]:
        columns, versions = [column(rows, name) for name in id_fields], column(rows, version)
        if len(columns) == 1 and _BLANK.isdisjoint(columns[0]) and _BLANK.isdisjoint(versions):  # nearly every page
            return tuple(zip(map(str, columns[0]), map(str, versions), strict=True))
        ids = zip(*columns, strict=True)
        return tuple(
            ("|".join(["" if part is None else str(part) for part in parts]), str(said or ""))
            if parts[0] not in (None, "")
            # not addressable, yet it must count as one row of its own
            else ("?" + hashlib.sha256(msgspec.json.encode(row)).hexdigest()[:16], "")
            for row, parts, said in zip(rows, ids, versions, strict=True)
        )

    return keys


@dataclass(frozen=True, slots=True)
class ListAnswer:
    """A page of a list: ``{"total_results" | "has_next", "<plural>": {"<element>": [...]}, "request_id"}``."""

    api: str
    table: RawTable
    plural: str
    keys: Keys
    allow: AllowList
    sorted_by: str = "modified"  # the field that the list is sorted by, newest first
    counted: bool = True  # the API says how many there are or whether more follow; else only its request_id speaks

    def parse(self, raw: bytes, at: datetime) -> Page:
        """Raises RetryableError where the answer has neither rows nor a count: silence is not an empty page."""
        allowed = self.allow.reduce(raw)
        total, has_next = get(allowed.value, "total_results"), get(allowed.value, "has_next")
        group = get(allowed.value, self.plural)
        witness = (total, has_next) if self.counted else (get(allowed.value, "request_id"),)
        if group is None and all(said in (None, "") for said in witness):
            raise RetryableError(f"{self.api}: neither {self.plural} nor a count in the answer; the call is repeated.")
        rows = (get(group, self._element) if group else None) or ()
        return Page(
            api=self.api,
            table=self.table,
            body=allowed.body,
            keys=self.keys(rows),
            total=None if total in (None, "") else int(total),
            has_next=None if has_next in (None, "") else has_next in (True, "true", "1"),
            request_id=get(allowed.value, "request_id") or "",
            at=at,
            times=tuple(map(_instant, column(rows, self.sorted_by))),
            dropped=allowed.dropped,
            drift=news(self.api, self.allow.fields, allowed.dropped),
        )

    @property
    def _element(self) -> str:
        return cast(Rows, self.allow.fields[self.plural]).element


@dataclass(frozen=True, slots=True)
class OneAnswer:
    """A single row, under ``name`` or, with an empty ``name``, the response object itself."""

    api: str
    table: RawTable
    name: str
    keys: Keys
    allow: AllowList

    def parse_of(self, row_id: str) -> Callable[[bytes, datetime], Page]:
        """A parser that insists on the row of that id. Raises RetryableError where another or none is answered."""

        def parse(raw: bytes, at: datetime) -> Page:
            allowed = self.allow.reduce(raw)
            row = get(allowed.value, self.name) if self.name else allowed.value
            keys = self.keys([row]) if row is not None else ()
            if [key.split("|")[0] for key, _ in keys] != [row_id]:
                raise RetryableError(
                    f"{self.api}: the answer is not about the id that was asked; the call is repeated."
                )
            return Page(
                api=self.api,
                table=self.table,
                body=allowed.body,
                keys=keys,
                total=None,
                has_next=None,
                request_id=get(allowed.value, "request_id") or "",
                at=at,
                dropped=allowed.dropped,
                drift=news(self.api, self.allow.fields, allowed.dropped),
            )

        return parse


def _instant(text: Any) -> datetime | None:
    """A wire date; None where a row has none or something else, which must not cost the rows beside it."""
    try:
        read = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return datetime.combine(read, read.time(), SHOP_TZ)  # a quarter of what ``replace`` costs


def list_answer(
    api: str,
    table: RawTable,
    plural: str,
    element: str,
    row: dict[str, Any],
    keys: Keys,
    *,
    sorted_by: str = "modified",
    counted: bool = True,
) -> ListAnswer:
    outline = {"total_results": NUMBER, "has_next": FLAG, "request_id": CODE, plural: Rows(element, row)}
    return ListAnswer(api, table, plural, keys, AllowList(api, outline), sorted_by, counted)


def one_answer(api: str, table: RawTable, name: str, row: dict[str, Any], keys: Keys) -> OneAnswer:
    outline = {"request_id": CODE, name: row} if name else {"request_id": CODE, **row}
    return OneAnswer(api, table, name, keys, AllowList(api, outline))


def newest_step(traces: Sequence[Any]) -> tuple[tuple[str, str], ...]:
    """A trace has no version of its own: its newest step's time stands for it."""
    groups = (get(trace, "trace_list") for trace in traces)
    steps = ((get(group, "transit_step_info") if group else None) or () for group in groups)
    newest = (max((get(step, "status_time") or "" for step in some), default="") for some in steps)
    return tuple(
        (row_id, at) for (row_id, _), at in zip(by("tid", "out_sid", version="tid")(traces), newest, strict=True)
    )


TRADE_KEY = by("tid")
REFUND_KEY = by("refund_id")
ITEM_KEY = by("num_iid")

LISTS = {
    answer.api: answer
    for answer in (
        list_answer(
            "taobao.trades.sold.get", "trade_pages", "trades", "trade", fields.TRADE, TRADE_KEY, sorted_by="created"
        ),
        list_answer("taobao.trades.sold.increment.get", "trade_pages", "trades", "trade", fields.TRADE, TRADE_KEY),
        list_answer("taobao.refunds.receive.get", "refund_pages", "refunds", "refund", fields.REFUND, REFUND_KEY),
        list_answer(
            "taobao.logistics.orders.get",
            "shipment_pages",
            "shippings",
            "shipping",
            fields.SHIPPING,
            by("tid", "out_sid"),
            sorted_by="created",
        ),
        list_answer("taobao.items.onsale.get", "item_pages", "items", "item", fields.ITEM_ID, ITEM_KEY),
        list_answer("taobao.items.inventory.get", "item_pages", "items", "item", fields.ITEM_ID, ITEM_KEY),
        list_answer(
            "taobao.items.seller.list.get", "item_pages", "items", "item", fields.ITEM, ITEM_KEY, counted=False
        ),
    )
}

ORDER = one_answer("taobao.trade.fullinfo.get", "trade_pages", "trade", fields.TRADE, TRADE_KEY)
REFUND = one_answer("taobao.refund.get", "refund_pages", "refund", fields.REFUND, REFUND_KEY)
TRACE = one_answer("taobao.logistics.trace.search", "trace_pages", "", fields.TRACE, newest_step)
