"""Messages of one app key that have been received and not yet confirmed, and which shop each seller of the key is.

Tables of ``ops.sqlite``; what is done with the messages is ``messages.py``'s business. Ids, times and words of the platform only.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from orders_pipeline.platforms.base import Message
from orders_pipeline.sync.ops import Ops

RETRY_AFTER = timedelta(seconds=60)
"""A message that could not be worked off is tried again that much later, by whoever reads for the app key."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS inbox (
  app_key TEXT, message_id TEXT, seller TEXT NOT NULL, topic TEXT NOT NULL, kind TEXT NOT NULL, order_id TEXT,
  refund_id TEXT, tracking_number TEXT, action TEXT, status TEXT, happened_at TEXT, published_at TEXT NOT NULL,
  body TEXT NOT NULL, received_at TEXT NOT NULL, attempts INTEGER NOT NULL, landed INTEGER NOT NULL,
  PRIMARY KEY (app_key, message_id));
CREATE TABLE IF NOT EXISTS handled (app_key TEXT, message_id TEXT, at TEXT NOT NULL, PRIMARY KEY (app_key, message_id));
CREATE TABLE IF NOT EXISTS tried (app_key TEXT, message_id TEXT, at TEXT NOT NULL, PRIMARY KEY (app_key, message_id));
CREATE TABLE IF NOT EXISTS sellers (app_key TEXT, seller TEXT, shop TEXT NOT NULL, PRIMARY KEY (app_key, seller));
"""

_DUE = """
FROM inbox WHERE app_key = ? AND NOT EXISTS (
  SELECT 1 FROM tried WHERE tried.app_key = inbox.app_key AND tried.message_id = inbox.message_id AND tried.at > ?)
"""


class Inbox:
    """The messages of one app key, whichever process received them."""

    def __init__(self, ops: Ops, app_key: str) -> None:
        self._ops = ops
        self._key = app_key
        with ops.transaction() as con:
            for statement in _SCHEMA.split(";"):  # executescript would commit the transaction
                con.execute(statement)

    def add(self, messages: Sequence[Message], received_at: datetime) -> None:
        """Store messages. One that is delivered again is kept once, with the attempts it has behind it."""
        with self._ops.transaction() as con:
            con.executemany(
                "INSERT OR IGNORE INTO inbox SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0"
                " WHERE NOT EXISTS (SELECT 1 FROM handled WHERE app_key = ? AND message_id = ?)",
                # without an id it cannot be confirmed, and comes again until the platform forgets it
                [
                    (self._key, *_values(message), _text(received_at), self._key, message.message_id)
                    for message in messages
                    if message.message_id
                ],
            )

    def waiting(self, tried_before: datetime) -> list[sqlite3.Row]:
        """Messages that nobody has tried to work off since then, those that failed least often first, then oldest first."""
        return self._ops.select(
            f"SELECT * {_DUE} ORDER BY attempts, published_at, message_id", [self._key, _text(tried_before)]
        )

    def count(self, tried_before: datetime) -> int:
        """How many messages nobody has tried to work off since then."""
        return int(self._ops.select(f"SELECT count(*) AS n {_DUE}", [self._key, _text(tried_before)])[0]["n"])

    def note_tried(self, at: datetime) -> None:
        """Whatever is still here has been tried."""
        with self._ops.transaction() as con:
            con.execute(
                "INSERT OR REPLACE INTO tried SELECT app_key, message_id, ? FROM inbox WHERE app_key = ?",
                (_text(at), self._key),
            )

    def mark_landed(self, message_ids: Sequence[str]) -> None:
        """These are in the raw zone."""
        with self._ops.transaction() as con:
            con.executemany(
                "UPDATE inbox SET landed = 1 WHERE app_key = ? AND message_id = ?",
                [(self._key, message_id) for message_id in message_ids],
            )

    def count_attempt(self, message_ids: Sequence[str]) -> None:
        """One more try that failed for a reason of the message's own."""
        with self._ops.transaction() as con:
            con.executemany(
                "UPDATE inbox SET attempts = attempts + 1 WHERE app_key = ? AND message_id = ?",
                [(self._key, message_id) for message_id in message_ids],
            )

    def handle(self, message_ids: Sequence[str], at: datetime) -> None:
        """These messages are worked off, and wait to be confirmed."""
        with self._ops.transaction() as con:
            keys = [(self._key, message_id) for message_id in message_ids]
            for table in ("inbox", "tried"):
                con.executemany(f"DELETE FROM {table} WHERE app_key = ? AND message_id = ?", keys)
            con.executemany("INSERT OR IGNORE INTO handled VALUES (?, ?, ?)", [(*key, _text(at)) for key in keys])

    def handled(self) -> tuple[list[str], datetime | None]:
        """Messages to confirm, and when the first of them was worked off."""
        rows = self._ops.select(
            "SELECT message_id, at FROM handled WHERE app_key = ? ORDER BY at, message_id", [self._key]
        )
        return [row["message_id"] for row in rows], datetime.fromisoformat(rows[0]["at"]) if rows else None

    def forget(self, message_ids: Sequence[str]) -> None:
        """These messages are confirmed."""
        with self._ops.transaction() as con:
            con.executemany(
                "DELETE FROM handled WHERE app_key = ? AND message_id = ?",
                [(self._key, message_id) for message_id in message_ids],
            )

    def sellers(self) -> dict[str, str]:
        """Seller id of the platform -> shop, as far as known."""
        rows = self._ops.select("SELECT seller, shop FROM sellers WHERE app_key = ?", [self._key])
        return {row["seller"]: row["shop"] for row in rows}

    def learn_seller(self, seller: str, shop: str) -> None:
        """This shop's session has read what a message of that seller names."""
        with self._ops.transaction() as con:
            con.execute("INSERT OR REPLACE INTO sellers VALUES (?, ?, ?)", (self._key, seller, shop))


def received_at(row: sqlite3.Row) -> datetime:
    """When we got a message, aware."""
    return datetime.fromisoformat(row["received_at"])


def told_at(row: sqlite3.Row) -> datetime:
    """The instant whose state a message tells: the version that it names, else when it was published."""
    return datetime.fromisoformat(row["happened_at"] or row["published_at"])


def _values(message: Message) -> tuple[str | None, ...]:
    return (
        message.message_id,
        message.seller,
        message.topic,
        message.kind,
        message.order_id,
        message.refund_id,
        message.tracking_number,
        message.action,
        message.status,
        _text(message.happened_at) if message.happened_at else None,
        _text(message.published_at),
        message.body,
    )


def _text(instant: datetime) -> str:
    """In one zone, so that the order of texts is the order of times."""
    return instant.astimezone(UTC).isoformat()
