"""One admitted call as an api sees it: typed parameters, paging, and the shape of lists.

Which parameters exist and what they select belongs to the ``apis`` modules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zlib import crc32

from orders_pipeline.sandbox.clock import from_wire, to_wire
from orders_pipeline.sandbox.errors import invalid_argument, missing_argument, refused
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.projection import Projection, projection, wrapped
from orders_pipeline.sandbox.store import Store, Wire
from orders_pipeline.sandbox.tokens import TokenDesk


@dataclass(frozen=True, slots=True)
class Call:
    """``number`` counts calls; ``now`` is the platform's time (aware); ``app_key`` is checked."""

    params: Mapping[str, str]
    app_key: str
    simplify: bool
    number: int
    now: datetime
    store: Store
    tokens: TokenDesk
    options: SandboxOptions

    @property
    def flip_ties(self) -> bool:
        """Rows of one second change places from call to call (decisions 16): clients must not count on their order.

        Pseudo-random, so that no fixed rhythm of calls sees the same order each time.
        """
        return crc32(b"%d" % self.number) & 1 == 1

    def text(self, name: str) -> str | None:
        """A parameter's text; blank counts as absent."""
        return self.params.get(name, "").strip() or None

    def need(self, name: str) -> str:
        """A required parameter. Raises TopError 40."""
        value = self.text(name)
        if value is None:
            raise missing_argument(name)
        return value

    def flag(self, name: str) -> bool:
        """A Boolean, false by default. Raises TopError 41."""
        value = (self.text(name) or "false").lower()
        if value not in ("true", "false"):
            raise invalid_argument(name, "true or false")
        return value == "true"

    def whole(self, name: str, *, default: int | None = None, low: int = 0, high: int = 2**63 - 1) -> int:
        """An integer within bounds, required without a default. Raises TopError 40 or 41."""
        text = self.text(name)
        if text is None and default is not None:
            return default
        return _whole(name, text if text is not None else self.need(name), low, high)

    def ids(self, name: str, most: int) -> list[int]:
        """A required comma list of at most ``most`` integers. Raises TopError 40 or 41."""
        ids = [_whole(name, part.strip(), 0, 2**63 - 1) for part in self.need(name).split(",")]
        if len(ids) > most:
            raise invalid_argument(name, f"at most {most}")
        return ids

    def names(self, name: str) -> frozenset[str]:
        """A comma list of words, empty when absent."""
        return frozenset(part.strip() for part in (self.text(name) or "").split(",")) - {""}

    def one_of(self, name: str, allowed: frozenset[str]) -> str | None:
        """An optional value of an enum. Raises TopError 41."""
        value = self.text(name)
        if value is not None and value not in allowed:
            raise invalid_argument(name, f"unknown value {value}")
        return value

    def moment(self, name: str) -> str | None:
        """A wire date. Raises TopError 41 where it is not "yyyy-MM-dd HH:mm:ss"."""
        text = self.text(name)
        if text is not None:
            try:
                from_wire(text)
            except ValueError:
                raise invalid_argument(name, "yyyy-MM-dd HH:mm:ss") from None
        return text

    def window(self, start: str, end: str) -> tuple[str, str]:
        """An optional window, open ends being the beginning of time and now.

        Raises TopError 41, or 15 where the end is not after the start (decisions 16).
        """
        since, until = self.moment(start), self.moment(end)
        if since and until and until <= since:
            raise refused(f"isv.invalid-parameter:{end}", f"{end} must be later than {start}")
        return since or "0000-00-00 00:00:00", until or to_wire(self.now)

    def page(self, most: int, default: int = 40) -> tuple[int, int]:
        """(page_no from 1, page_size). Raises TopError 41 beyond ``most``, unless the option says clamp."""
        page_no = self.whole("page_no", default=1, low=1)
        page_size = self.whole("page_size", default=default, low=1)
        if page_size > most:
            if self.options.page_size_over == "error":
                raise invalid_argument("page_size", f"at most {most}")
            page_size = most
        return page_no, page_size

    def projection(self, hidden: frozenset[str] = frozenset(), aliases: tuple[tuple[str, str], ...] = ()) -> Projection:
        """The compiled ``fields`` parameter, which is required."""
        return projection(self.need("fields"), self.simplify, hidden, aliases)

    def many(self, plural: str, rows: list[Any], element: str) -> Wire:
        """A list as this call's response shape holds it."""
        return wrapped(plural, rows, element, simplify=self.simplify)

    def listing(self, plural: str, element: str, rows: list[Wire], project: Projection, page: tuple[int, int]) -> Wire:
        """One page of ``rows`` (all that match), with has_next or total_results as use_has_next asks."""
        page_no, page_size = page
        low, high = (page_no - 1) * page_size, page_no * page_size
        counted: Wire = {"has_next": high < len(rows)} if self.flag("use_has_next") else {"total_results": len(rows)}
        return counted | self.many(plural, [project(row) for row in rows[low:high]], element)


def _whole(name: str, text: str, low: int, high: int) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise invalid_argument(name, "a number")
    number = int(text)
    if not low <= number <= high:
        raise invalid_argument(name, f"between {low} and {high}")
    return number
