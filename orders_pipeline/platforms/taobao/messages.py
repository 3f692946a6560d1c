"""Messages of the platform's message channel (wire spec, section 6) reduced to hints: ids, status, time and action.

A message's content is a JSON text that also names buyers and may hold memos; none of that leaves this module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Literal

import msgspec

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.platforms.base import Message, Page, RetryableError
from orders_pipeline.platforms.taobao.allow_list import AllowList, get
from orders_pipeline.platforms.taobao.fields import CODE, ID, INSTANT, TEXT, Rows

CONSUME = "taobao.tmc.messages.consume"

_ALLOW = AllowList(
    CONSUME,
    {
        "request_id": CODE,
        "messages": Rows("tmc_message", {"id": ID, "topic": CODE, "pub_time": INSTANT, "user_id": ID, "content": TEXT}),
    },
)
_KINDS: dict[str, Literal["trade", "refund", "trace", "item"]] = {
    "taobao_trade_": "trade",
    "taobao_refund_": "refund",
    "taobao_dispute_": "refund",  # exchanges and reshipping, which newer topics announce
    "taobao_logistics_": "trace",
    "taobao_item_": "item",
}
_DIGITS = re.compile(r"[0-9]{1,32}")
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def parse(raw: bytes, at: datetime) -> tuple[Message, ...]:
    """The messages of an answer; a content that cannot be read leaves a message without ids, which can be confirmed.

    Raises RetryableError where the answer says nothing at all.
    """
    answer = _ALLOW.reduce(raw).value
    group = get(answer, "messages")
    if group is None and not get(answer, "request_id"):
        raise RetryableError(f"{CONSUME}: neither messages nor a request_id in the answer; the call is repeated.")
    rows = (get(group, "tmc_message") if group else None) or ()
    return tuple(_message(row, at) for row in rows)


def page(bodies: Sequence[str], at: datetime) -> Page:
    """``Message.body`` of some messages as one page in the shape of the platform's answer."""
    rows = msgspec.json.decode(f"[{','.join(bodies)}]")
    return Page(
        api=CONSUME,
        table="messages",
        body=f'{{"messages":{{"tmc_message":[{",".join(bodies)}]}}}}'.encode(),
        keys=tuple((str(row.get("id", "")), row.get("pub_time", "")) for row in rows),
        total=None,
        has_next=None,
        request_id="",
        at=at,
    )


def _message(row: Any, at: datetime) -> Message:
    topic = get(row, "topic") or ""
    content = _content(get(row, "content"))
    outside = {name: value for name in ("id", "topic", "pub_time", "user_id") if (value := get(row, name)) is not None}
    inside = {name: content[name] for name, stored in _STORED.items() if stored(content.get(name)) is not None}
    return Message(
        body=msgspec.json.encode({**outside, "content": inside}).decode(),
        message_id=str(get(row, "id") or ""),
        topic=topic,
        published_at=_instant(get(row, "pub_time")) or at,
        seller=str(get(row, "user_id") or ""),
        kind=next((kind for prefix, kind in _KINDS.items() if topic.startswith(prefix)), "other"),
        order_id=_match(_DIGITS, content.get("tid")),
        refund_id=_match(_DIGITS, content.get("refund_id")),
        tracking_number=_match(_WORD, content.get("out_sid")),
        action=_match(_WORD, content.get("action")),
        status=_match(_WORD, content.get("status")),
        happened_at=_instant(content.get("modified")) or _instant(content.get("time")),
    )


def _content(text: str | None) -> dict[str, Any]:
    value: Any = None
    try:
        value = msgspec.json.decode(text or "{}")
    except msgspec.MsgspecError:
        return {}
    return value if isinstance(value, dict) else {}


def _match(pattern: re.Pattern[str], value: Any) -> str | None:
    """Ids come as numbers or quoted, as they please."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return text if pattern.fullmatch(text) else None


_STORED: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("tid", "oid", "refund_id", "num_iid"), partial(_match, _DIGITS)),
    **dict.fromkeys(("out_sid", "action", "status"), partial(_match, _WORD)),
    **dict.fromkeys(("modified", "time"), lambda value: _instant(value)),
}
"""What of a content may be stored: ids, a word, an instant; anything else that stands under these names may not."""


def _instant(value: Any) -> datetime | None:
    try:
        return datetime.strptime(value, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHOP_TZ)
    except (TypeError, ValueError):
        return None
