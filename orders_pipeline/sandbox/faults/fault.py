"""What every fault has: when it strikes, and the places of a call at which it may act.

The kinds are in ``wire.py``, ``answers.py``, ``pages.py``, ``rows.py`` and ``world.py``; which strike a call is decided in
``plan.py``, and what a struck call looks like on the wire in ``middleware.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from random import Random
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from orders_pipeline.sandbox.gateway import Gateway

Wire = dict[str, Any]
Delivery = Literal["whole", "reset", "truncated", "silent", "drip"]
Moment = datetime | float

TOKEN = "token"  # noqa: S105 - the name under which faults know the token endpoint, which is no API


@dataclass
class Answer:
    """What goes back. ``delivery`` says how the bytes travel; ``seconds`` passes before each piece of a drip."""

    body: bytes
    status: int = 200
    content_type: str = "application/json;charset=UTF-8"
    headers: dict[str, str] = field(default_factory=dict)
    delivery: Delivery = "whole"
    seconds: float = 0.0

    def edit(self, change: Callable[[Wire], None]) -> None:
        """Change the response object in place. An ``error_response`` and foreign text stay as they are."""
        try:
            answer = msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            return
        if isinstance(answer, dict) and "error_response" not in answer:
            (root,) = answer.values()
            change(root)
            self.body = msgspec.json.encode(answer)


@dataclass
class Hit:
    """A call that a fault strikes. ``memory`` is the fault's own, kept from call to call."""

    api: str
    params: Mapping[str, str]
    gateway: Gateway
    random: Random
    memory: dict[str, Any]

    @property
    def now(self) -> datetime:
        return self.gateway.clock.now()

    @property
    def page_no(self) -> int:
        text = self.params.get("page_no", "1")
        return int(text) if text.isdigit() else 1


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="kind"):
    """One thing that goes wrong, and when.

    ``apis``: names, ``*`` allowed; ``token`` is the token endpoint. ``pages``: only these page numbers. ``since`` and
    ``until``: seconds after the sandbox began, or an instant; the second bound excluded. ``calls``: of the calls that all
    this selects the n-th, as ``3``, ``2-4`` or ``5-``. ``probability`` of each of these; ``times``: at most so often.
    """

    apis: str | tuple[str, ...] = "*"
    pages: tuple[int, ...] = ()
    since: Moment | None = None
    until: Moment | None = None
    calls: int | str = "1-"
    probability: Annotated[float, Meta(ge=0, le=1)] = 1.0
    times: Annotated[int, Meta(ge=1)] | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        first, _, last = str(self.calls).partition("-")
        if not first.isdigit() or (last and not last.isdigit()) or (last and int(last) < int(first)):
            raise ValueError(f"calls: {self.calls} is no call number (3, 2-4 or 5-)")

    @property
    def kind(self) -> str:
        """The name under which files know it."""
        return str(self.__struct_config__.tag)

    def selects(self, api: str, page_no: int, now: datetime, began: datetime) -> bool:
        """Whether a call is of those that ``calls`` counts."""
        return (
            any(fnmatchcase(api, pattern) for pattern in ([self.apis] if isinstance(self.apis, str) else self.apis))
            and (not self.pages or page_no in self.pages)
            and (self.since is None or now >= _instant(self.since, began))
            and (self.until is None or now < _instant(self.until, began))
        )

    def counts(self, number: int) -> bool:
        """Whether the ``number``-th selected call (from 1) is meant."""
        first, dash, last = str(self.calls).partition("-")
        return int(first) <= number <= (int(last) if last else number if dash else int(first))

    def describe(self) -> str:
        """The fault in one line."""
        said = msgspec.to_builtins(self)
        return f"{said.pop('kind')} {msgspec.json.encode(said).decode()}"

    def install(self, gateway: Gateway, random: Random) -> None:
        """Once, before the first call: for what is wrong all the time."""

    def before(self, hit: Hit) -> None:
        """Before the gateway sees the call, its lock held: for what happens in the shop meanwhile."""

    def instead(self, hit: Hit) -> Answer | None:
        """An answer in place of the gateway's, which then never sees the call."""
        return None

    def after(self, hit: Hit, answer: Answer) -> None:
        """Change the answer."""


def _instant(moment: Moment, began: datetime) -> datetime:
    return moment if isinstance(moment, datetime) else datetime.fromtimestamp(began.timestamp() + moment, began.tzinfo)


def group_of(root: Wire) -> tuple[str, str] | None:
    """(plural, element) of the list in a response object; None where there is none."""
    for plural, group in root.items():
        if isinstance(group, dict):
            for element, rows in group.items():
                if isinstance(rows, list):
                    return plural, element
    return None


def rows_of(root: Wire) -> list[Wire]:
    """The rows of a list answer, or the one row of a single answer; empty where there are none."""
    found = group_of(root)
    if found:
        rows: list[Wire] = root[found[0]][found[1]]
        return rows
    return [row for row in root.values() if isinstance(row, dict)]
