"""The check of texts in bulk accepts exactly what msgspec accepts value by value."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders_pipeline.platforms.taobao import fields
from orders_pipeline.platforms.taobao.allow_list import AllowList
from orders_pipeline.platforms.taobao.texts import Texts, pattern_of, plain

KINDS = {name: getattr(fields, name) for name in ("ID", "NUMBER", "MONEY", "INSTANT", "FLAG", "CODE", "TEXT", "PLACE")}
NEAR = st.sampled_from(
    [
        "",
        "0",
        "-1",
        "12.30",
        "1.",
        "true",
        "2026-03-01 10:00:00",
        "2026-03-01",
        "TRADE_FINISHED",
        "1\n2",
        "1\n",
        "7",
        " 1",
        "１",
    ]
)


def accepted(kind: Any, text: str) -> bool:
    try:
        msgspec.convert(text, kind)
    except msgspec.ValidationError:
        return False
    return True


@pytest.mark.parametrize("name", KINDS)
@given(texts=st.lists(NEAR | st.text(max_size=60), min_size=1, max_size=5))
def test_a_column_fits_when_each_of_its_texts_does(name: str, texts: list[str]) -> None:
    kind = KINDS[name]
    row = msgspec.defstruct("Row", [("value", plain(kind))])
    group = msgspec.defstruct("Group", [("row", list[row])])
    table = msgspec.defstruct("Table", [("rows", group)])
    check = Texts({"rows": fields.Rows("row", {"value": kind})})
    loosely = [text for text in texts if accepted(plain(kind), text)]
    fits = check.fit(table(group([row(text) for text in loosely])))
    assert fits == all(accepted(kind, text) for text in loosely)


def test_only_free_text_and_places_have_no_pattern() -> None:
    assert {name for name, kind in KINDS.items() if pattern_of(kind) is None} == {"TEXT", "PLACE"}


def test_of_a_name_that_stands_twice_the_first_value_goes_nowhere() -> None:
    api = "taobao.trades.sold.get"
    allow = AllowList(api, {"trades": fields.Rows("trade", fields.TRADE)})
    raw = '{"trades":{"trade":[{"tid":1,"status":"13800138000 张三","status":"TRADE_FINISHED"}]}}'
    assert b"13800138000" not in allow.reduce(raw.encode()).body
