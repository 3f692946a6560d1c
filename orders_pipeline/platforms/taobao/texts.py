"""Whether the texts of a decoded answer fit their kinds of ``fields.py``, looked at kind by kind over all rows at once.

msgspec checks a pattern by a call into ``re`` for each value: of 50,000 orders with 1.5 lines each that is 0.55 s, five times
the decoding itself. Most texts repeat within a page (amounts, statuses, products), so the distinct ones are few.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from itertools import chain
from operator import or_
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

from msgspec import Meta
from msgspec.structs import astuple

from orders_pipeline.platforms.taobao.fields import Rows

Values = dict[str, set[Any]]

_DIGIT = "[0-9]"
_ZEROS = str.maketrans("123456789", "000000000")


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
        self._scalars: defaultdict[str, list[int]] = defaultdict(list)  # pattern -> positions in the struct
        self._lists: list[tuple[int, str, Texts | str | None]] = []
        self._objects: list[tuple[int, Texts]] = []
        for position, kind in enumerate(fields.values()):
            if isinstance(kind, Rows):
                below = Texts(kind.row) if isinstance(kind.row, Mapping) else pattern_of(kind.row)
                self._lists.append((position, kind.element, below))
            elif isinstance(kind, Mapping):
                self._objects.append((position, Texts(kind)))
            elif pattern := pattern_of(kind):
                self._scalars[pattern].append(position)

    def fit(self, value: Any) -> bool:
        """Whether every text below this object is what its kind admits."""
        found: Values = defaultdict(set)
        self._gather([value], found)
        return all(
            _all_match(pattern, [text for text in texts if type(text) is str]) for pattern, texts in found.items()
        )

    def _gather(self, rows: Sequence[Any], found: Values) -> None:
        if not rows:
            return
        columns = list(zip(*map(astuple, rows), strict=True))
        for pattern, positions in self._scalars.items():
            found[pattern].update(*[columns[position] for position in positions])
        for position, element, below in self._lists:
            groups = (getattr(group, element, None) for group in columns[position])  # absent, null or empty have none
            inner = list(chain.from_iterable(group for group in groups if type(group) is list))
            if isinstance(below, Texts):
                below._gather(inner, found)
            elif below is not None:
                found[below].update(inner)
        for position, table in self._objects:
            table._gather([one for one in columns[position] if hasattr(one, "__struct_fields__")], found)


def _all_match(pattern: str, texts: list[str]) -> bool:
    """Whether the pattern matches every text.

    One that says ``[0-9]`` takes any digit where it takes one: then texts of one shape, as most dates and amounts are, need
    to be matched once.
    """
    if _DIGIT in pattern:
        shapes = "\n".join(texts).translate(_ZEROS).split("\n")
        if len(shapes) > max(len(texts), 1):  # a line break within a text, which no pattern takes
            return False
        texts = list(set(shapes)) if texts else []
    return all(map(re.compile(pattern).match, texts))
