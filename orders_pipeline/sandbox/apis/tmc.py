"""Messages over HTTP (spec section 6). Delivery rules are in ``messages.py``."""

from __future__ import annotations

from orders_pipeline.sandbox.apis.registry import api
from orders_pipeline.sandbox.call import Call
from orders_pipeline.sandbox.clock import to_wire
from orders_pipeline.sandbox.errors import invalid_argument, missing_argument, refused
from orders_pipeline.sandbox.messages import DEFAULT_GROUP, TOPICS
from orders_pipeline.sandbox.store import Wire

TOPICS_MOST = 100
QUANTITY_LEAST, QUANTITY_MOST, QUANTITY_DEFAULT = 10, 200, 100
CONFIRM_MOST = 200
GROUP_NAME_MOST = 32
NICKS_MOST = 200


@api("taobao.tmc.user.permit")
def permit(call: Call) -> Wire:
    """Open messages for the session's seller; the topics given replace the old ones, none given means all."""
    topics = call.names("topics")
    if len(topics) > TOPICS_MOST:
        raise invalid_argument("topics", f"at most {TOPICS_MOST}")
    if topics - TOPICS:
        raise refused("isv.invalid-parameter:topics", "topics that the app has not subscribed")
    queue = call.store.messages
    queue.topics = topics or TOPICS
    queue.permitted_at = queue.permitted_at or call.now
    return {"is_success": True}


@api("taobao.tmc.messages.consume", needs_session=False)
def consume(call: Call) -> Wire:
    """Up to ``quantity`` messages of a group; unconfirmed ones come again."""
    quantity = call.whole("quantity", default=QUANTITY_DEFAULT, low=QUANTITY_LEAST, high=QUANTITY_MOST)
    return call.many("messages", call.store.messages.take(_group(call), quantity, call.now), "tmc_message")


@api("taobao.tmc.messages.confirm", needs_session=False)
def confirm(call: Call) -> Wire:
    """Confirm by id; ``f_message_ids`` is obsolete and ignored."""
    _group(call)
    call.store.messages.confirm(call.ids("s_message_ids", CONFIRM_MOST))
    return {"is_success": True}


@api("taobao.tmc.user.get", needs_session=False)
def user(call: Call) -> Wire:
    """What a seller has permitted; no ``tmc_user`` for one who never did."""
    project = call.projection()
    if "topics" not in call.names("fields"):
        raise invalid_argument("fields", "must include topics")
    _nick(call)
    queue = call.store.messages
    if queue.permitted_at is None:
        return {}
    row = {
        "user_id": call.store.user_id,
        "user_nick": call.store.seller_nick,
        "topics": sorted(queue.topics),
        "group_name": queue.group,
        "is_valid": bool(queue.topics),
        "created": to_wire(queue.permitted_at),
        "modified": to_wire(queue.permitted_at),
    }
    return {"tmc_user": project(row)}


@api("taobao.tmc.user.cancel", needs_session=False)
def cancel(call: Call) -> Wire:
    """Close messages for a seller."""
    _nick(call)
    call.store.messages.topics = frozenset()
    return {"is_success": True}


@api("taobao.tmc.group.add", needs_session=False)
def group_add(call: Call) -> Wire:
    """Create a group if need be and move sellers into it: their new messages go there."""
    name = call.need("group_name")
    if len(name) > GROUP_NAME_MOST or name.startswith(DEFAULT_GROUP):
        raise invalid_argument("group_name", f"at most {GROUP_NAME_MOST} characters, not {DEFAULT_GROUP}*")
    nicks = _nicks(call)
    if not nicks:
        raise missing_argument("nicks")
    queue = call.store.messages
    queue.groups.add(name)
    if call.store.seller_nick in nicks:
        queue.group = name
    return {"group_name": name, "created": to_wire(call.now)}


@api("taobao.tmc.group.delete", needs_session=False)
def group_delete(call: Call) -> Wire:
    """Take sellers out of a group, or without ``nicks`` delete it with its unread messages."""
    call.need("group_name")
    name, nicks, queue = _group(call), _nicks(call), call.store.messages
    if name == DEFAULT_GROUP:
        raise invalid_argument("group_name", "the default group stays")
    if not nicks:
        queue.drop_group(name)
    elif call.store.seller_nick in nicks and queue.group == name:
        queue.group = DEFAULT_GROUP
    return {"is_success": True}


def _group(call: Call) -> str:
    name = call.text("group_name") or DEFAULT_GROUP
    if name not in call.store.messages.groups:
        raise refused("isv.invalid-parameter:group_name", "group does not exist")
    return name


def _nick(call: Call) -> None:
    if call.need("nick") != call.store.seller_nick:
        raise refused("isv.invalid-parameter:nick", "user does not exist")


def _nicks(call: Call) -> frozenset[str]:
    nicks = call.names("nicks")
    if len(nicks) > NICKS_MOST:
        raise invalid_argument("nicks", f"at most {NICKS_MOST}")
    return nicks
