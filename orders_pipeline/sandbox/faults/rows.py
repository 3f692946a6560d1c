"""Faults of single rows: older versions, poison, fields that are new, gone or of another type, monstrous and odd text."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from orders_pipeline.sandbox.clock import from_wire, to_wire
from orders_pipeline.sandbox.faults.fault import Answer, Fault, Hit, Wire, rows_of


class RowFault(Fault):
    """A fault of the rows with these ``ids`` (tid, refund_id or num_iid), or of all rows; ``rows``: at most so many a page."""

    ids: tuple[str, ...] = ()
    rows: int | None = None

    def after(self, hit: Hit, answer: Answer) -> None:
        def spoil(root: Wire) -> None:
            chosen = [row for row in rows_of(root) if not self.ids or row_id(row) in self.ids]
            for row in chosen[: self.rows]:
                self.spoil(row)

        answer.edit(spoil)

    def spoil(self, row: Wire) -> None:
        raise NotImplementedError


class OlderVersion(RowFault, tag="older_version"):
    """Rows as a lagging replica has them: ``modified`` is ``seconds`` earlier, and nothing has been paid or shipped."""

    seconds: int = 60

    def spoil(self, row: Wire) -> None:
        row["modified"] = to_wire(from_wire(row["modified"]) - timedelta(seconds=self.seconds))
        row["status"] = "WAIT_BUYER_PAY"
        for name in ("pay_time", "consign_time", "end_time"):
            row.pop(name, None)


class PoisonRow(RowFault, tag="poison_row"):
    """Rows that cannot be stored: no ``modified``, and ``payment`` is an object."""

    def spoil(self, row: Wire) -> None:
        row.pop("modified", None)
        row["payment"] = {"amount": "1.00", "currency": "CNY"}


class NewField(RowFault, tag="new_field"):
    """A field that the protocol does not know."""

    name: str = "carbon_points"
    value: Any = 7

    def spoil(self, row: Wire) -> None:
        row[self.name] = self.value


class RemovedField(RowFault, tag="removed_field", kw_only=True):
    """A field that has gone."""

    name: str

    def spoil(self, row: Wire) -> None:
        row.pop(self.name, None)


class ChangedType(RowFault, tag="changed_type", kw_only=True):
    """A field of another JSON type: ids as numbers, amounts as numbers or lists, flags as text."""

    name: str
    to: Literal["text", "number", "list", "object", "null"]

    def spoil(self, row: Wire) -> None:
        if self.name not in row:
            return
        value: Any = row[self.name]
        if self.to == "number":
            row[self.name] = float(value) if "." in str(value) else int(value)
        else:
            row[self.name] = {"text": str(value), "list": [value], "object": {"value": value}, "null": None}[self.to]


class OddText(RowFault, tag="odd_text"):
    """A field's text replaced or, with ``megabytes``, followed by so much of it; emoji, NUL and byte order mark by default."""

    name: str = "title"
    text: str = "\ufeff🧧\u0000👨‍👩‍👧"
    megabytes: int = 0

    def spoil(self, row: Wire) -> None:
        lines = row.get("orders", {}).get("order", ()) if isinstance(row.get("orders"), dict) else ()
        for place in (row, *lines):
            if self.name in place:
                place[self.name] = f"{place[self.name]}{self.text}" + "长" * (self.megabytes * 1_000_000 // 3)


class ByteOrderMark(Fault, tag="byte_order_mark"):
    """A byte order mark before the JSON text."""

    def after(self, hit: Hit, answer: Answer) -> None:
        answer.body = b"\xef\xbb\xbf" + answer.body


class ForeignEncoding(Fault, tag="foreign_encoding"):
    """The text in another encoding than the UTF-8 of the protocol."""

    encoding: str = "gb18030"

    def after(self, hit: Hit, answer: Answer) -> None:
        answer.body = answer.body.decode().encode(self.encoding)


def row_id(row: Wire) -> str:
    """A row's id as text, whichever kind of row it is."""
    return str(row.get("refund_id") or row.get("tid") or row.get("num_iid") or "")
