"""The raw zone holds every message once, as it was sent less what may not be stored."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import duckdb
import pytest

from orders_pipeline.settings import DataFolder
from orders_pipeline.sync import ShopSync
from orders_pipeline.warehouse import Warehouse
from orders_pipeline_tests.conftest import living_sandbox

OpenSync = Callable[..., AbstractContextManager[ShopSync]]


def landed(folder: DataFolder) -> list[dict[str, Any]]:
    """Messages of the raw zone, page by page."""
    files = f"{folder.raw}/messages/shop=*/*/*.parquet"
    with duckdb.connect() as con:
        pages = con.execute(
            f"SELECT body, row_count FROM read_parquet('{files}') ORDER BY fetched_at, page_no"
        ).fetchall()
    found = [json.loads(body)["messages"]["tmc_message"] for body, _ in pages]
    assert [len(rows) for rows in found] == [count for _, count in pages]
    return [row for rows in found for row in rows]


def as_stored(message: dict[str, Any]) -> dict[str, Any]:
    """What of a message of the platform may be stored: no buyer, no memo, no text."""
    allowed = {"tid", "oid", "refund_id", "num_iid", "out_sid", "action", "status", "modified", "time"}
    content = {name: value for name, value in json.loads(message["content"]).items() if name in allowed}
    return {**{name: message[name] for name in ("id", "topic", "pub_time", "user_id")}, "content": content}


def by_id(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(messages, key=lambda message: message["id"])


def test_raw_holds_every_message_once_as_it_was_sent(
    folder: DataFolder, open_sync: OpenSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    sent: list[dict[str, Any]] = []
    with living_sandbox(3, 200) as sandbox:
        with open_sync(sandbox) as sync:
            sync.poll_messages()
            for _ in range(2):
                sandbox.clock.advance(3_600)
                sent += [as_stored(message) for message in sandbox.truth()["messages"]]
                sync.poll_messages()
            sandbox.clock.advance(3_600)
            sent += [as_stored(message) for message in sandbox.truth()["messages"]]
            with monkeypatch.context() as patch:
                patch.setattr("orders_pipeline.sync.desk.apply_files", die)
                with pytest.raises(KeyboardInterrupt):  # landed, not applied, not confirmed
                    sync.poll_messages()
            sandbox.clock.advance(700)  # the platform delivers again what nobody confirmed
            fresh = {message["id"] for message in sandbox.truth()["messages"]} - {message["id"] for message in sent}
            sent += [as_stored(one) for one in sandbox.truth()["messages"] if one["id"] in fresh]
        with open_sync(sandbox) as again:
            again.poll_messages()
            assert again.poll_messages().messages == 0
        assert len(sent) > 50
        assert len({message["topic"] for message in sent}) > 5
        assert by_id(landed(folder)) == by_id(sent)
        with Warehouse(folder).write("test") as con:  # the view of the contract shows them
            (view,) = con.execute("SELECT sum(row_count), min(shop), min(api) FROM raw.messages").fetchall()
        assert view == (len(sent), "tea_tmall", "taobao.tmc.messages.consume")
