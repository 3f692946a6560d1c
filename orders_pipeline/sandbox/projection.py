"""Which fields of a stored row go onto the wire, and how its lists are wrapped.

A ``fields`` text is compiled once and reused, because a pull asks for the same fields hundreds of times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

Wire = dict[str, Any]
Projection = Callable[[Wire], Wire]

ELEMENTS: Mapping[str, str] = {
    "orders": "order",
    "promotion_details": "promotion_detail",
    "service_orders": "service_order",
    "service_tags": "logistics_tag",
    "logistics_infos": "logistics_info",
    "step_pay_details": "step_pay_detail",
    "combine_item_info": "combine_sub_item_do",
    "skus": "sku",
    "trace_list": "transit_step_info",
    "mails": "logistics_mail",
    "sub_tids": "number",
    "topics": "string",
}
"""The element name inside each list (spec section 1; those it does not name are from the Go SDK's XML tags)."""

_NESTED = frozenset(ELEMENTS)


def wrapped(plural: str, rows: list[Any], element: str, *, simplify: bool) -> Wire:
    """A list as a response holds it; nothing at all where it is empty, as on the live platform."""
    if not rows:
        return {}
    return {plural: rows if simplify else {element: rows}}


def whole(row: Wire, simplify: bool) -> Wire:
    """A row with all its fields, lists wrapped. The row itself where it has no list."""
    if _NESTED.isdisjoint(row):
        return row
    out = {name: value for name, value in row.items() if name not in _NESTED}
    for name in _NESTED & row.keys():
        rows = [whole(child, simplify) if isinstance(child, dict) else child for child in row[name]]
        out |= wrapped(name, rows, ELEMENTS[name], simplify=simplify)
    return out


@lru_cache(maxsize=512)  # a handful of clients with a few field lists each
def projection(
    fields: str,
    simplify: bool,
    hidden: frozenset[str] = frozenset(),
    aliases: tuple[tuple[str, str], ...] = (),
) -> Projection:
    """Compile ``fields``: unknown names are ignored, ``orders`` wins over ``orders.x`` (decisions 26).

    ``hidden`` are fields that the api never returns; ``aliases`` map a requested name to the stored one.
    """
    renamed = dict(aliases)
    flat: list[str] = []
    narrowed: dict[str, list[str]] = {}
    complete: set[str] = set()
    for asked in dict.fromkeys(part.strip() for part in fields.split(",")):
        head, _, child = asked.partition(".")
        name = renamed.get(head, head)
        if not name or name in hidden:
            continue
        if name not in _NESTED:
            flat.append(name)
        elif child:
            narrowed.setdefault(name, []).append(child)
        else:
            complete.add(name)
    lists = {
        name: None if name in complete else projection(",".join(narrowed[name]), simplify)
        for name in sorted(complete | narrowed.keys())
    }

    def project(row: Wire) -> Wire:
        out = {name: row[name] for name in flat if name in row}
        for name, narrow in lists.items():
            rows = row.get(name)
            if not rows:
                continue
            if narrow is not None:
                rows = [narrow(child) for child in rows]
            elif isinstance(rows[0], dict):
                rows = [whole(child, simplify) for child in rows]
            out[name] = rows if simplify else {ELEMENTS[name]: rows}
        return out

    return project
