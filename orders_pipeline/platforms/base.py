"""What ``sync`` may know of any platform: windows, feeds, requests, pages, messages and typed errors.

No HTTP and no platform's words here; each platform's folder builds these from its own protocol.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, Literal, Protocol, TypeVar

from orders_pipeline.clock import SHOP_TZ

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

RawTable = Literal["trade_pages", "refund_pages", "item_pages", "trace_pages", "shipment_pages", "messages"]
"""Names of the raw zone. Of messages nothing is ever applied: what they name is read again by its id."""


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A closed interval of platform time, both ends inclusive, whole seconds, aware datetimes."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"window ends at {self.end}, not after its start {self.start}")


class FeedName(StrEnum):
    """The lists that every platform offers in some form."""

    ORDERS_BY_CREATED = "orders_by_created"
    ORDERS_BY_MODIFIED = "orders_by_modified"
    REFUNDS_BY_MODIFIED = "refunds_by_modified"
    SHIPMENTS_BY_CREATED = "shipments_by_created"


@dataclass(frozen=True, slots=True)
class Feed:
    """A list that is read by time windows and pages."""

    name: FeedName
    api: str  # the platform's own name, as it stands in ops.sync_windows.api
    table: RawTable
    axis: Literal["created", "modified"]
    page_size: int
    max_span: timedelta  # longest window one call may ask for
    months_back: int  # rows that many calendar months old are still listed
    parts: tuple[str, ...] = ()  # subsets that ``list_page`` can ask for alone, for a second that holds too much
    types: frozenset[str] = frozenset()  # kinds of orders that are asked for; an order of another kind is in no list

    def wall(self, now: datetime) -> datetime:
        """The oldest instant that may be asked for at ``now``; the month's last day where the day does not exist."""
        local = now.astimezone(SHOP_TZ)
        year, month = divmod(local.year * 12 + local.month - 1 - self.months_back, 12)
        day = min(local.day, calendar.monthrange(year, month + 1)[1])
        return local.replace(year=year, month=month + 1, day=day)


@dataclass(frozen=True, slots=True)
class Page:
    """One answer, already allow-listed.

    ``body`` is the response object (what stands under the root key) re-serialised as JSON, UTF-8, with allowed fields only.
    ``keys`` are (id, version) of the rows, version being the row's modified text, so that passes can be united.
    ``total`` and ``has_next`` are None where the platform did not say.
    """

    api: str
    table: RawTable
    body: bytes
    keys: tuple[tuple[str, str], ...]
    total: int | None
    has_next: bool | None
    request_id: str
    at: datetime  # the platform's clock when it answered, aware
    times: tuple[datetime | None, ...] = ()  # by what the rows are sorted, aware, None where a row has none; () unknown
    dropped: Mapping[str, str] = field(default_factory=dict)  # path and JSON type of each field that was dropped
    drift: Mapping[str, str] = field(
        default_factory=dict
    )  # of these, what the API did not use to send: path -> what is new

    @property
    def row_count(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, slots=True)
class Message:
    """A hint that something changed. No text of the message survives, only ids, status and time."""

    message_id: str
    topic: str
    published_at: datetime
    seller: str  # the platform's user id of the shop, text
    kind: Literal["trade", "refund", "trace", "item", "other"]
    order_id: str | None = None
    refund_id: str | None = None
    tracking_number: str | None = None
    action: str | None = None
    status: str | None = None
    happened_at: datetime | None = None
    body: str = ""  # in the platform's words, JSON, only what may be stored


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a platform gives on sign-in or refresh. ``repr`` shows no secret."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Request(Generic[T_co]):
    """One call, not yet sent. ``parse`` turns the response object's bytes and the platform's time into a result.

    ``parse`` raises a PlatformError where the body is not what the api promises.
    """

    api: str
    params: Mapping[str, str]
    parse: Callable[[bytes, datetime], T_co]
    needs_session: bool = True


class Platform(Protocol):
    """One shop's connection to its platform. One attempt per ``send``: quota, retries and the log are the caller's."""

    name: str  # taobao, tmall, douyin
    shop: str
    feeds: Mapping[FeedName, Feed]
    app_key: str

    def send(self, request: Request[T]) -> T:
        """Send once. Raises PlatformError subclasses only."""
        ...

    def now(self) -> datetime | None:
        """The platform's clock, aware: ours corrected by what its last answer said; None before any answer."""
        ...

    def hear_time(self, now: datetime) -> None:
        """Take over the platform's clock as another connection to it has just heard it: spares the call that asks."""
        ...

    def use_session(self, session: str) -> None:
        """Take a refreshed access token into use."""
        ...

    def use_secret(self, secret: str) -> None:
        """Take a rotated app secret into use."""
        ...

    def list_page(
        self, feed: Feed, window: Window, page_no: int, *, count: bool, part: str | None = None
    ) -> Request[Page]:
        """One page of a feed; with ``count`` the total is asked for, else only has_next. Rows newest first.

        ``part`` is one of ``feed.parts``; None asks for all rows. The platform may know rows that are in no part.
        """
        ...

    def count(self, feed: Feed, window: Window) -> Request[int]:
        """How many rows a list has in a window: the cheapest call there is."""
        ...

    def order(self, order_id: str) -> Request[Page]: ...
    def refund(self, refund_id: str) -> Request[Page]: ...
    def item_ids(self, page_no: int, *, on_sale: bool) -> Request[Page]: ...
    def items(self, item_ids: Sequence[str]) -> Request[Page]: ...
    def trace(self, order_id: str, line_ids: Sequence[str] = ()) -> Request[Page]:
        """The trace of an order's parcel; ``line_ids`` names the parcel by its lines where the order was split."""
        ...

    def messages(self, quantity: int) -> Request[tuple[Message, ...]]: ...
    def confirm_messages(self, message_ids: Sequence[str]) -> Request[None]: ...
    def permit_messages(self) -> Request[None]: ...
    def message_page(self, bodies: Sequence[str], at: datetime) -> Page:
        """Messages that were received, as a page to land."""
        ...

    def server_time(self) -> Request[datetime]: ...
    def check(self) -> Request[datetime]:
        """One cheap call that needs valid credentials and permissions."""
        ...

    def refresh_tokens(self, refresh_token: str) -> Tokens:
        """Exchange a refresh token. Raises SessionError when the platform refuses it."""
        ...

    def close(self) -> None: ...


class PlatformError(Exception):
    """A call failed. ``str()`` is one line without secrets or row contents."""

    outcome = "error"  # the word written to ops.api_calls

    def __init__(self, message: str, *, code: str = "", sub_code: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.sub_code = sub_code


class RetryableError(PlatformError):
    """Passing trouble: transport, platform's fault, cut or foreign body. ``wait_seconds`` where the platform sets a pause."""

    outcome = "retryable"

    def __init__(self, message: str, *, code: str = "", sub_code: str = "", wait_seconds: float | None = None) -> None:
        super().__init__(message, code=code, sub_code=sub_code)
        self.wait_seconds = wait_seconds


class ClockError(RetryableError):
    """This machine's clock is off, and has been corrected by the platform's: not the platform's trouble."""

    outcome = "clock"


class FlowControlError(PlatformError):
    """Quota exceeded: no call of this app key for ``wait_seconds``."""

    outcome = "flow_control"

    def __init__(self, message: str, *, wait_seconds: float, code: str = "", sub_code: str = "") -> None:
        super().__init__(message, code=code, sub_code=sub_code)
        self.wait_seconds = wait_seconds


class SessionError(PlatformError):
    """The access token is missing, expired or revoked."""

    outcome = "session"


class PermissionDeniedError(PlatformError):
    """The app or user may not call this: a person must act."""

    outcome = "permission"


class RequestError(PlatformError):
    """The request is wrong (secret, parameter, version): retrying changes nothing."""

    outcome = "request"


class SignatureError(RequestError):
    """The platform computes another signature: the app secret is wrong, or was rotated meanwhile."""


class NotListedError(RequestError):
    """The platform does not know the id, or no longer lists it."""

    outcome = "not_listed"


class UnknownAnswerError(PlatformError):
    """An error code outside the known table: not retried, named, and raised as an incident."""

    outcome = "unknown"
