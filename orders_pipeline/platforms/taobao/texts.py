"""Whether the texts of a decoded answer fit their kinds of ``fields.py``, looked at kind by kind over all rows at once.

msgspec checks a pattern by a call into ``re`` for each value: of 50,000 orders with 1.5 lines each that is 0.55 s, five times
the decoding itself. Most texts repeat within a page (amounts, statuses, products), so the distinct ones are few.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from itertools import chain
from operator import attrgetter, or_
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

from msgspec import Meta

from orders_pipeline.platforms.taobao.fields import Rows

Values = dict[str, set[Any]]


def plain(kind: Any) -> Any:
    """The kind's types without its pattern; a limit of length stays, as it costs nothing."""
    if get_origin(kind) is Annotated:
        base, *metas = get_args(kind)
        return base if any(meta.pattern for meta in metas) else kind
    if isinstance(kind, UnionType) or get_origin(kind) is not None:
        return reduce(or_, map(plain, get_args(kind)))
    return kind


def pattern_of(kind: Any) -> str | None:
    """The pattern that a kind's texts must match, None where any text will do."""
    for part in (kind, *get_args(kind)):
        metas: Iterable[Any] = get_args(part)[1:] if get_origin(part) is Annotated else ()
        for meta in metas:
            if isinstance(meta, Meta) and meta.pattern:
                return meta.pattern
    return None


class Texts:
    """The check for one table of fields, as in ``fields.py``. Rows are structs whose absent fields hold a mark, no text."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        named: dict[str, list[str]] = defaultdict(list)
        self._lists: list[tuple[str, str, Texts | str | None]] = []
        self._objects: list[tuple[str, Texts]] = []
        for name, kind in fields.items():
            if isinstance(kind, Rows):
                below = Texts(kind.row) if isinstance(kind.row, Mapping) else pattern_of(kind.row)
                self._lists.append((name, kind.element, below))
            elif isinstance(kind, Mapping):
                self._objects.append((name, Texts(kind)))
            elif pattern := pattern_of(kind):
                named[pattern].append(name)
        self._getters: list[tuple[str, Callable[[Any], Any], bool]] = [
            (pattern, attrgetter(*names), len(names) > 1) for pattern, names in named.items()
        ]

    def fit(self, value: Any) -> bool:
        """Whether every text below this object is what its kind admits."""
        found: Values = defaultdict(set)
        self._gather([value], found)
        return all(
            all(map(re.compile(pattern).match, (text for text in texts if type(text) is str)))
            for pattern, texts in found.items()
        )

    def _gather(self, rows: Sequence[Any], found: Values) -> None:
        for pattern, getter, many in self._getters:
            values = map(getter, rows)
            found[pattern].update(chain.from_iterable(values) if many else values)
        for name, element, below in self._lists:
            groups = (
                getattr(getattr(row, name), element, None) for row in rows
            )  # absent, null or empty lists have none
            inner = list(chain.from_iterable(group for group in groups if type(group) is list))
            if isinstance(below, Texts):
                below._gather(inner, found)
            elif below is not None:
                found[below].update(inner)
        for name, table in self._objects:
            table._gather([one for row in rows if hasattr(one := getattr(row, name), "__struct_fields__")], found)
