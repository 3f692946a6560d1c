"""Reduces an answer to the fields of ``fields.py`` before anything is stored, logged or raised.

Three ways, each slower than the one before. A page that holds allowed fields only is decoded into typed structs, which
reject anything else; their texts are checked by ``texts.py``. Where fields came along that are not allowed, structs
without that check drop them, and their names are collected. Where a value is not of its field's kind, the page is taken
apart value by value: a bad row must not sink the others, so it stays, reduced to its good fields and marked under
``MISFIT``.

Knows no API and no HTTP. What is dropped leaves its name and JSON type, never its value.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from orders_pipeline.platforms.base import RetryableError
from orders_pipeline.platforms.taobao.fields import Rows
from orders_pipeline.platforms.taobao.texts import Texts, plain

MISFIT = "_misfit"
"""Key added to a row that did not fit: a list of "path: JSON type" of what had to be dropped from it."""

_EMPTY = Annotated[list[int], Meta(max_length=0)]
_JSON_TYPES = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
_WIRE_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""The platform's names look like this; a key that does not may itself be somebody's data."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """``value`` is a struct or, from the slowest way, a dict: read it with ``get``. ``body`` is its JSON in UTF-8."""

    value: Any
    body: bytes
    dropped: dict[str, str]


class AllowList:
    """The reduction of one API's response object. ``fields``: what may stand in it, as in ``fields.py``."""

    def __init__(self, api: str, fields: Mapping[str, Any]) -> None:
        self._api = api
        self.fields = fields
        self._strict = msgspec.json.Decoder(_struct("Strict", fields, strict=True))
        self._texts = Texts(fields)
        self._lenient = msgspec.json.Decoder(_struct("Lenient", fields, strict=False))
        self._encoder = msgspec.json.Encoder()

    def reduce(self, raw: bytes) -> Allowed:
        """The allowed part of a response object. Raises RetryableError where even its outline is not the API's."""
        dropped: dict[str, str] = {}
        value = self._typed(self._strict, raw)
        if value is None or not self._texts.fit(value):
            untyped = self._untyped(raw)
            value = self._typed(self._lenient, raw)
            if value is None:
                value = self._salvage(untyped, dropped)
            else:
                _name_unknown([untyped], self.fields, "", dropped)
        return Allowed(value, self._encoder.encode(value), dropped)

    @staticmethod
    def _typed(decoder: msgspec.json.Decoder[Any], raw: bytes) -> Any | None:
        try:
            return decoder.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None

    def _untyped(self, raw: bytes) -> dict[str, Any]:
        """Plain objects; the standard parser takes numbers out of range and lone surrogates, which msgspec does not."""
        value: Any = None
        try:
            value = msgspec.json.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            with contextlib.suppress(ValueError, RecursionError):
                value = json.loads(raw.decode("utf-8", "replace"))
        if not isinstance(value, dict):
            raise RetryableError(f"{self._api}: the response object is cut or no object; the call is repeated.")
        return value

    def _salvage(self, untyped: dict[str, Any], dropped: dict[str, str]) -> dict[str, Any]:
        misfits: dict[str, str] = {}
        value = _keep(untyped, self.fields, "", dropped, misfits, in_row=False)
        if misfits:  # rows keep theirs, so what is left concerns the outline
            path, json_type = next(iter(misfits.items()))
            raise RetryableError(f"{self._api}: unexpected JSON {json_type} at {path}; the call is repeated.")
        return value  # type: ignore[no-any-return]


def get(row: Any, name: str) -> Any:
    """A field of a reduced row or object; None where it is absent."""
    value = row.get(name) if isinstance(row, dict) else getattr(row, name)
    return None if value is UNSET else value


def column(rows: Sequence[Any], name: str) -> list[Any]:
    """A field of all rows of one reduced list; None where it is absent."""
    if rows and isinstance(rows[0], dict):
        return [row.get(name) for row in rows]
    return [None if value is UNSET else value for value in map(attrgetter(name), rows)]


def _struct(name: str, fields: Mapping[str, Any], *, strict: bool) -> type[msgspec.Struct]:
    """A struct of optional fields. No garbage collection: rows hold no cycles, and a page has thousands of them."""
    typed = [(field, _type(field, kind, strict) | UnsetType, UNSET) for field, kind in fields.items()]
    return msgspec.defstruct(name, typed, omit_defaults=True, forbid_unknown_fields=strict, gc=False)


def _type(name: str, kind: Any, strict: bool) -> Any:
    if isinstance(kind, Rows):
        rows = list[_type(kind.element, kind.row, strict)]  # type: ignore[misc, valid-type]
        # what else stands in place of the element must not pass for an empty list
        element = (kind.element, rows | UnsetType, UNSET) if strict else (kind.element, rows)
        group = msgspec.defstruct(name, [element], omit_defaults=True, forbid_unknown_fields=strict, gc=False)
        return group | _EMPTY | None
    if isinstance(kind, Mapping):
        return _struct(name, kind, strict=strict)
    return plain(kind) if strict else kind


def _name_unknown(objects: list[dict[str, Any]], fields: Mapping[str, Any], path: str, dropped: dict[str, str]) -> None:
    """All objects of one place at once: a page repeats the same names in every row."""
    for name in set().union(*objects) - fields.keys():
        _note(dropped, path, name, next(one[name] for one in objects if name in one))
    for name, kind in fields.items():
        inner = [one[name] for one in objects if one.get(name)]
        below = f"{path}{name}."
        if isinstance(kind, Rows):
            _name_unknown(inner, {kind.element: None}, below, dropped)
            if isinstance(kind.row, Mapping):
                rows = [row for group in inner for row in group[kind.element]]
                _name_unknown(rows, kind.row, f"{below}{kind.element}.", dropped)
        elif isinstance(kind, Mapping):
            _name_unknown(inner, kind, below, dropped)


def _keep(value: Any, kind: Any, path: str, dropped: dict[str, str], misfits: dict[str, str], in_row: bool) -> Any:
    """The part of ``value`` that fits ``kind``, UNSET if none does; what does not is named in ``misfits``."""
    if isinstance(kind, Mapping):
        return _keep_object(value, kind, path, dropped, misfits, in_row)
    if isinstance(kind, Rows):
        if value is None or value == {} or value == []:
            return value
        if isinstance(value, dict) and isinstance(value.get(kind.element), list):
            for other in value.keys() - {kind.element}:
                _note(dropped, f"{path}.", other, value[other])
            below = f"{path}.{kind.element}"
            rows = [_keep(row, kind.row, below, dropped, misfits, in_row) for row in value[kind.element]]
            return {kind.element: [row for row in rows if row is not UNSET]}
    elif _fits(value, kind):
        return value
    misfits[path] = dropped[path] = _json_type(value)
    return UNSET


def _keep_object(
    value: Any, fields: Mapping[str, Any], path: str, dropped: dict[str, str], misfits: dict[str, str], in_row: bool
) -> dict[str, Any]:
    """The first object below the outline is a row: it carries what does not fit in it, so ``misfits`` stays clean."""
    is_row = path != "" and not in_row
    own = {} if is_row else misfits
    kept: dict[str, Any] = {}
    if isinstance(value, dict):
        prefix = f"{path}." if path else ""
        for name in value.keys() - fields.keys():
            _note(dropped, prefix, name, value[name])
        for name, kind in fields.items():
            if name in value:
                part = _keep(value[name], kind, prefix + name, dropped, own, in_row or is_row)
                if part is not UNSET:
                    kept[name] = part
    else:
        own[path] = dropped[path] = _json_type(value)
    if is_row and own:
        kept[MISFIT] = [f"{where}: {json_type}" for where, json_type in own.items()]
    return kept


def _fits(value: Any, kind: Any) -> bool:
    if isinstance(value, float) and not math.isfinite(value):
        return False
    try:
        msgspec.convert(value, kind)
        if isinstance(value, str):
            value.encode()  # a lone surrogate cannot be written
    except (msgspec.ValidationError, UnicodeEncodeError):
        return False
    return True


def _note(dropped: dict[str, str], prefix: str, name: str, value: Any) -> None:
    dropped[prefix + (name if _WIRE_NAME.fullmatch(name) else "?")] = _json_type(value)


def _json_type(value: Any) -> str:
    return _JSON_TYPES.get(type(value), "null")
