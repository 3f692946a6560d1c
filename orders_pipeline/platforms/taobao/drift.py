"""Which of the fields that were dropped from an answer are news: fields that an API did not use to send, or types that changed.

We name the fields that we want, so an API that answers with others, or with another type, has changed. Two send more than is
asked for; that is their habit, not a change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orders_pipeline.platforms.taobao.fields import Rows

USUAL: Mapping[str, frozenset[str]] = {
    # the trace takes no list of fields; its texts name couriers and are dropped on purpose
    "taobao.logistics.trace.search": frozenset(
        {"status", "trace_list.transit_step_info.status_desc", "trace_list.transit_step_info.next_site"}
    )
}
"""API -> paths that it sends unasked."""

USUAL_ENDINGS = ("combine_item_info.combine_sub_item_do.item_name",)
"""Ends of such paths in any API: a bundle's parts are asked for as a whole."""


def news(api: str, fields: Mapping[str, Any], dropped: Mapping[str, str]) -> dict[str, str]:
    """Path -> "new field, <JSON type>" or "now <JSON type>", of what is not usual."""
    return {
        path: f"now {json_type}" if _is_known(path.split("."), fields) else f"new field, {json_type}"
        for path, json_type in dropped.items()
        if path not in USUAL.get(api, ()) and not path.endswith(USUAL_ENDINGS)
    }


def _is_known(names: list[str], kind: Any) -> bool:
    """Whether a path leads to a field that we ask for."""
    if not names:
        return True
    if isinstance(kind, Rows):
        return names[0] == kind.element and _is_known(names[1:], kind.row)
    return isinstance(kind, Mapping) and names[0] in kind and _is_known(names[1:], kind[names[0]])
