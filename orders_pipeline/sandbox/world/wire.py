"""How numbers and instants look on the wire.

Inside the world money is an integer of fen and an instant is an integer of *shop seconds*: seconds since 1970-01-01
00:00:00 Asia/Shanghai wall time, so that ``t // DAY`` is the calendar day. Formatting is cached: a history of 90,000
trades writes several million of these strings.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

DAY = 86_400
HOUR = 3_600
_UTC_OFFSET = 8 * HOUR  # GMT+8 all year: China has had no summer time since 1991
_EPOCH = date(1970, 1, 1)
_CLOCK = [f" {s // HOUR:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(DAY)]


class _Money(dict[int, str]):
    def __missing__(self, fen: int) -> str:
        text = self[fen] = f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"
        return text


class _Days(dict[int, str]):
    def __missing__(self, day: int) -> str:
        text = self[day] = day_of(day).isoformat()
        return text


_DAYS = _Days()
money = _Money().__getitem__
"""Fen as the wire's yuan: 1230 -> "12.30"."""


def stamp(t: int) -> str:
    """Shop seconds as the wire's "yyyy-MM-dd HH:mm:ss"."""
    return _DAYS[t // DAY] + _CLOCK[t % DAY]


def day_of(day: int) -> date:
    """The calendar day of a day number (``t // DAY``)."""
    return _EPOCH + timedelta(days=day)


def day_number(day: date) -> int:
    """The number of a calendar day; times DAY it is that day's midnight in shop seconds."""
    return (day - _EPOCH).days


def shop_seconds(instant: datetime) -> int:
    """Shop seconds of an aware instant, cut to the whole second."""
    return int(instant.timestamp()) + _UTC_OFFSET


def instant_of(t: int) -> datetime:
    """The aware instant (UTC) of shop seconds."""
    return datetime.fromtimestamp(t - _UTC_OFFSET, UTC)
